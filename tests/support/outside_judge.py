"""Who sits behind a client of the feed and believes nothing: all it is shown is held against the
truth of the simulated venues.

The rule of this file: every message is judged when it comes. What is called live has to be the
venue's own book of its own number, to the last digit; what is not live has no level; a trade is the
venue's own, and comes once. It shares no code with the books, the outlet or the merger.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from aggregator.offline.market import Fill, Market
from aggregator.offline.server import VenuesServer
from rialto.client.feed import AsyncFeed, BookKeeper, LogKeeper, ValueKeeper
from shared.feed import Level, Update
from shared.messages import (
    AggregatorMetrics,
    BookState,
    ConsolidatedBook,
    OutsideBbo,
    OutsideBook,
    OutsidePrice,
    OutsideTrade,
    Side,
    Signals,
    VenueStatus,
)
from tests.support.outside_counts import Counts

EVERYTHING = (*("book:*", "bbo:*", "price:*", "trades:*", "signals:*", "status:*", "metrics"),)
OURS = ("bbo", "trades")
CONSOLIDATED = "consolidated"
LEVELS_MIN = 10  # A side: the least that any venue is asked for.
MERGED_EACH = 8  # One in so many consolidated books is taken apart.
# A book may have been before as it is at the first look: so long ago is left open then.
OPEN_NS = 5_000_000_000
WRONG_MAX = 20  # More tell no more.

Levels = dict[int, int]
Parts = dict[str, tuple[Levels, Levels]]


class OutsideJudge:
    """Judges one client. Give its `note` as `on_update`, and set `feed`."""

    def __init__(self, venues: VenuesServer) -> None:
        self.feed: AsyncFeed
        self.wrong: list[str] = []
        self.judged: Counter[str] = Counter()  # Messages by the first word of the channel.
        self.live: Counter[str] = Counter()  # Live messages by book.
        self.books: dict[str, OutsideBook] = {}  # What was said last of each.
        self.fallen: set[str] = set()  # Books that were shown as not live.
        self.merged: dict[str, ConsolidatedBook] = {}
        self.statuses: dict[str, VenueStatus] = {}
        self.told: dict[str, list[tuple[str, str]]] = {}  # State and reason of each venue's feeds.
        self.trades: dict[str, dict[int, OutsideTrade]] = {}
        self.since: dict[str, int] = {}  # The newest one of each book when that was begun.
        self.merged_at_ns: dict[str, int] = {}  # The moment of each book in consolidated ones.
        self.tape: dict[str, list[tuple[str, str]]] = {}  # Of each symbol, as consolidated.
        self.metrics: dict[str, AggregatorMetrics] = {}
        self.signals: dict[str, Signals] = {}
        self._venues = venues
        self._markets: dict[str, Market] = {}
        self._fills: dict[str, dict[int, Fill]] = {}
        self._counts: dict[int, Counts] = {}  # By the grain.
        self._units = Counts()
        self._judges: dict[str, Callable[[str], None]] = {
            "book": self._judge_book,
            "bbo": self._judge_touch,
            "price": self._judge_price,
            "trades": self._judge_trades,
            "signals": self._judge_signals,
            "status": self._judge_status,
            "metrics": self._judge_metrics,
        }

    def note(self, update: Update) -> None:
        """Judge a message that the feed's keeper has just taken."""
        channel = update.channel
        kind, _, rest = channel.partition(":")
        if kind in OURS and ":" not in rest:
            return  # Of a market of our own.
        self.judged[kind] += 1
        if not self.feed.is_live(channel):
            return  # The keeper has found it wrong by itself, and asks anew.
        try:
            if rest.startswith(CONSOLIDATED):
                self._judge_consolidated(channel, rest.partition(":")[2])
            else:
                self._judges[kind](channel)
        except (AssertionError, LookupError, ValueError) as error:
            if len(self.wrong) < WRONG_MAX:
                self.wrong.append(f"{channel}: {error}")

    def check(self) -> None:
        """Raise AssertionError if anything that was shown was wrong."""
        assert not self.wrong, "\n".join(self.wrong)

    def live_books(self, feed: str = "") -> list[str]:
        """Return the books that are shown as live now, and whose channel is there."""
        return [
            name
            for name, info in self.books.items()
            if name.startswith(feed)
            and info.state is BookState.LIVE
            and self.feed.is_live(f"book:{name}")
        ]

    def market(self, book: str) -> Market:
        """Return the truth of a book."""
        if book not in self._markets:
            venue, market_type, pair = book.split(":")
            floor = self._venues.floor(f"{venue}:{market_type}")
            symbol = next(one.symbol for one in floor.listed.values() if one.pair == pair)
            self._markets[book] = floor.markets[symbol]
        return self._markets[book]

    def fills(self, book: str) -> dict[int, Fill]:
        """Return all of a book's trades that were ever looked at, and the latest, by number."""
        known = self._fills.setdefault(book, {})
        for fill in reversed(self.market(book).tape):
            if fill.number in known:
                break
            known[fill.number] = fill
        return known

    def missing(self, book: str) -> list[int]:
        """Return the trades between the first and the last one shown that were not."""
        shown = self.trades.get(book, {})
        if not shown:
            return []
        return sorted(set(range(min(shown), max(shown) + 1)) - set(shown))

    def left_out(self, book: str) -> int:
        """Return how many trades the feed has said not to have sent, as this client lagged."""
        keeper = self.feed.keepers[f"trades:{book}"]
        assert isinstance(keeper, LogKeeper)
        return keeper.missed

    # ---- single books ----

    def _judge_book(self, channel: str) -> None:
        keeper = self.feed.keepers[channel]
        assert isinstance(keeper, BookKeeper)
        info = msgspec.json.decode(keeper.info or b"", type=OutsideBook)
        assert channel == f"book:{info.book}"
        self.books[info.book] = info
        if info.state is not BookState.LIVE:
            self.fallen.add(info.book)
            assert not keeper.bids, f"{info.state} with levels"
            assert not keeper.asks, f"{info.state} with levels"
            return
        self.live[info.book] += 1
        market = self.market(info.book)
        bids, asks = self._truth(info, market)
        ticks, steps = self._ticks(market), self._steps(market)
        sides = (
            (keeper.bids, bids, info.trusted_bid, 1),
            (keeper.asks, asks, info.trusted_ask, -1),
        )
        for levels, truth, trusted, sign in sides:
            edge = ticks[trusted] * sign if trusted else None
            shown = {ticks[level[0]] * sign: steps[level[1]] for level in levels}
            self._agree(shown, truth, sign, edge, f"{info.venue_sequence}, {info.venue_at_ns}")
        assert ticks[keeper.bids[0][0]] < ticks[keeper.asks[0][0]]

    def _truth(self, info: OutsideBook, market: Market) -> tuple[Levels, Levels]:
        # Binance's numbers are the market's own; a snapshot of it has no time.
        if info.book.startswith("binance:"):
            return market.book_at(info.venue_sequence)
        return market.book_at_time(info.venue_at_ns)

    def _agree(self, shown: Levels, truth: Levels, sign: int, edge: int | None, when: str) -> None:
        keyed = {ticks * sign: steps for ticks, steps in truth.items()}
        assert len(shown) >= min(LEVELS_MIN, len(keyed)), f"only {len(shown)} levels at {when}"
        if edge is not None:
            # All of the trusted range has to be there, and what is shown beyond has to be true.
            lowest = min(edge, *shown)
            keyed = {key: steps for key, steps in keyed.items() if key >= lowest}
        if shown != keyed:
            differing = sorted(set(shown.items()) ^ set(keyed.items()))
            raise AssertionError(
                f"{len(differing)} differ at {when}, of {len(shown)} shown and {len(keyed)} true: "
                f"{differing[-6:]}"
            )

    def _judge_touch(self, channel: str) -> None:
        said = msgspec.json.decode(self._value(channel), type=OutsideBbo)
        if said.state is not BookState.LIVE:
            assert (said.bid, said.ask) == ("", ""), f"{said.state} with a touch"
            return
        if said.book.startswith("binance:"):
            return  # Its number is not said here; the same touch is in the book's channel.
        market = self.market(said.book)
        bids, asks = market.book_at_time(said.venue_at_ns)
        bid, ask = max(bids), min(asks)
        true = (bid, bids[bid], ask, asks[ask])
        shown = (
            *(self._ticks(market)[said.bid], self._steps(market)[said.bid_quantity]),
            *(self._ticks(market)[said.ask], self._steps(market)[said.ask_quantity]),
        )
        assert shown == true, f"{shown} at {said.venue_at_ns} was {true}"

    # ---- trades ----

    def _judge_trades(self, channel: str) -> None:
        keeper = self.feed.keepers[channel]
        assert isinstance(keeper, LogKeeper)
        for entry in keeper.fresh:
            trade = msgspec.json.decode(entry.data, type=OutsideTrade)
            assert channel == f"trades:{trade.book}"
            number = number_of(trade)
            shown = self.trades.setdefault(trade.book, {})
            assert number not in shown, f"trade {number} comes twice"
            last = max(shown, default=0)
            assert trade.is_recovered or number > last, f"trade {number} comes after {last}"
            shown[number] = trade
            self._judge_fill(trade, self.fills(trade.book)[number])
        book = channel.removeprefix("trades:")
        if book in self.trades:
            self.since.setdefault(book, max(self.trades[book]))

    def _judge_fill(self, said: OutsidePrice | OutsideTrade, fill: Fill) -> None:
        market = self.market(said.book)
        shown = self._ticks(market)[said.price], self._steps(market)[said.quantity]
        assert shown == (fill.ticks, fill.steps), f"{said} was {fill}"
        assert (said.taker_side is Side.BUY) == fill.is_buy, f"{said} was {fill}"

    def _judge_price(self, channel: str) -> None:
        said = msgspec.json.decode(self._value(channel), type=OutsidePrice)
        market = self.market(said.book)
        wanted = self._ticks(market)[said.price], self._steps(market)[said.quantity]
        assert any(
            (fill.ticks, fill.steps) == wanted and fill.is_buy == (said.taker_side is Side.BUY)
            for fill in self.fills(said.book).values()
        ), f"there was no such trade: {said}"

    # ---- all venues together ----

    def _judge_consolidated(self, channel: str, symbol: str) -> None:
        keeper = self.feed.keepers[channel]
        if isinstance(keeper, LogKeeper):
            tape = self.tape.setdefault(symbol, [])
            for entry in keeper.fresh:
                trade = msgspec.json.decode(entry.data, type=OutsideTrade)
                tape.append((trade.book, trade.trade_id))
            return
        assert isinstance(keeper, BookKeeper)
        info = msgspec.json.decode(keeper.info or b"", type=ConsolidatedBook)
        assert info.symbol == symbol
        self.merged[symbol] = info
        self.judged[f"merged {symbol}"] += 1
        if self.judged[f"merged {symbol}"] % MERGED_EACH:
            return
        for book, (bids, asks) in parts_of(keeper.bids, keeper.asks, self._units).items():
            assert book in info.books, f"{book} has levels and is not in it"
            assert not bids or not asks or max(bids) < min(asks), f"{book} is crossed by itself"
            self._judge_part(book, bids, asks)

    def _judge_part(self, book: str, bids: Levels, asks: Levels) -> None:
        """A venue's levels here have to be its book of one moment, and none from before the moment
        of the last time.
        """
        market = self.market(book)
        tick, step = market.listed.tick.units, market.listed.step.units
        ours = (
            {-(price // tick): quantity // step for price, quantity in asks.items()},
            {price // tick: quantity // step for price, quantity in bids.items()},
        )
        since_ns = self.merged_at_ns.get(book)
        if since_ns is None:
            found_ns = next(moments(market, ours, 0), 0) - OPEN_NS
        else:
            # The earliest that it can be of, as a book may come back to what it was.
            found_ns = min(moments(market, ours, since_ns), default=-1)
        assert found_ns > 0, f"{book} was never so since {since_ns}; it is {market.at_ns}"
        self.merged_at_ns[book] = found_ns
        self.judged["parts"] += 1

    # ---- the rest ----

    def _judge_signals(self, channel: str) -> None:
        said = msgspec.json.decode(self._value(channel), type=Signals)
        assert channel == f"signals:{said.book}"
        self.signals[said.book] = said

    def _judge_status(self, channel: str) -> None:
        said = msgspec.json.decode(self._value(channel), type=VenueStatus)
        assert channel == f"status:{said.venue}"
        self.statuses[said.venue] = said
        told = self.told.setdefault(said.venue, [])
        for feed in said.feeds:
            told.append((feed.state, feed.reason))
            told += [(book.state, book.reason) for book in feed.books]

    def _judge_metrics(self, channel: str) -> None:
        said = msgspec.json.decode(self._value(channel), type=AggregatorMetrics)
        self.metrics[said.producer] = said

    def _value(self, channel: str) -> bytes:
        keeper = self.feed.keepers[channel]
        assert isinstance(keeper, ValueKeeper)
        data = getattr(keeper.value, "data", b"")
        return bytes(data)

    def _ticks(self, market: Market) -> Counts:
        return self._of_grain(market.listed.tick.units)

    def _steps(self, market: Market) -> Counts:
        return self._of_grain(market.listed.step.units)

    def _of_grain(self, grain: int) -> Counts:
        return self._counts.setdefault(grain, Counts(grain))


def number_of(trade: OutsideTrade) -> int:
    """Return the simulation's own number of a trade, which is in what each venue calls its id."""
    if trade.book.startswith("bybit:spot"):
        return int(trade.trade_id[8:])
    if trade.book.startswith("bybit:"):
        return int(trade.trade_id[-12:], 16)
    return int(trade.trade_id)


def moments(market: Market, ours: tuple[Levels, Levels], since_ns: int) -> Iterator[int]:
    """Yield the moments since a time at which the book was so: asks, bids, by key; latest first.

    What is beyond the worst level of a side is not looked at.
    """
    lowest = min(ours[0]), min(ours[1])
    now = market.asks.quantities, market.bids.quantities
    differing = {
        (side, key)
        for side in (0, 1)
        for key, _ in now[side].items() ^ ours[side].items()
        if key >= lowest[side]
    }
    undone_ns = 0
    for undo in market.undos():
        if undo.at_ns != undone_ns:
            if undo.at_ns < since_ns:
                return
            undone_ns = undo.at_ns
            if not differing:
                yield undone_ns
        side = int(undo.is_bid)
        if undo.key < lowest[side]:
            continue
        if ours[side].get(undo.key, 0) == undo.before:
            differing.discard((side, undo.key))
        else:
            differing.add((side, undo.key))


def parts_of(bids: Sequence[Level], asks: Sequence[Level], units: Counts) -> Parts:
    """Take a consolidated book apart: each venue's levels in units; totals have to add up."""
    parts: Parts = {}
    for number, side in enumerate((bids, asks)):
        for price, total, *shares in side:
            at, left = units[price], units[total]
            for book, quantity in _pairs(shares):
                share = units[quantity]
                parts.setdefault(book, ({}, {}))[number][at] = share
                left -= share
            assert not left, f"at {price} the shares are not {total}"
    return parts


def _pairs(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(texts[::2], texts[1::2], strict=True)
