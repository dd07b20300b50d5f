"""What the engine has said of its markets, commit by commit, and whether what was shown is that.

The rule of this file: the truth is read from the event stream after the fact, by code that shares
nothing with the broadcaster's or the client's; a state that was shown is compared with the truth at
its own sequence.
"""

import contextlib
from collections import Counter
from typing import Any, NamedTuple, Protocol

from rialto.client.feed import AccountKeeper, AnyKeeper, BookKeeper, TradesKeeper, ValueKeeper
from shared.channels import Keys
from shared.feed import AccountSnapshot, Bbo, DepthSnapshot, Level, TradesSnapshot, Update
from shared.markets import format_price, format_quantity
from shared.messages import (
    Asset,
    AssetCreated,
    DepthChanged,
    Market,
    MarketCreated,
    TradeExecuted,
)
from shared.redis_client import connect
from shared.wire import decode_batch

SNAPSHOTS = (AccountSnapshot, Bbo, DepthSnapshot, TradesSnapshot)
Sides = tuple[list[Level], list[Level]]


class Shown(NamedTuple):
    """A book as a client has shown it once."""

    channel: str
    sequence: int
    levels: int
    sides: Sides


class HasKeepers(Protocol):
    @property
    def keepers(self) -> dict[str, AnyKeeper]: ...


class Watch:
    """Notes every state that somebody's keepers have shown; give its `note` as `on_update`."""

    def __init__(self) -> None:
        self.shows: HasKeepers
        self.books: list[Shown] = []
        self.tops: list[tuple[str, int, tuple[str | None, ...]]] = []
        self.trades: dict[str, list[tuple[int, str, str, str]]] = {}
        self.account: list[int] = []  # The sequences of the account's messages.
        self.updates: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()  # Of snapshots and values, by reason.

    def note(self, update: Update) -> None:
        channel = update.channel
        self.updates[channel] += 1
        if isinstance(update, SNAPSHOTS):
            self.reasons[update.reason] += 1
        keeper = self.shows.keepers[channel]
        if isinstance(keeper, AccountKeeper):
            self.account.append(keeper.sequence)
        if isinstance(keeper, BookKeeper):
            sides = keeper.bids, keeper.asks
            self.books.append(Shown(channel, keeper.sequence, keeper.levels_max, sides))
        elif isinstance(keeper, ValueKeeper):
            bbo = keeper.bbo
            top = bbo.bid_price, bbo.bid_quantity, bbo.ask_price, bbo.ask_quantity
            self.tops.append((channel, bbo.sequence, top))
        elif isinstance(keeper, TradesKeeper):
            self.trades.setdefault(channel, []).extend(
                (trade.trade_id, trade.price, trade.quantity, trade.side) for trade in keeper.fresh
            )


class Truth:
    """Every book at every sequence, and every trade."""

    def __init__(self) -> None:
        self.books: dict[str, dict[int, Sides]] = {}
        self.trades: dict[str, list[tuple[int, str, str, str]]] = {}
        self._assets: dict[str, Asset] = {}
        self._markets: dict[str, Market] = {}
        self._ladders: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        self._read_to = "-"

    def read_on(self, redis_url: str, venue: str) -> None:
        """Take over what was committed since the last time; it is not to be trimmed before."""
        with contextlib.closing(connect(redis_url)) as client:
            entries: Any = client.xrange(Keys(venue).events, min=self._read_to)
            for entry_id, fields in entries:
                self._read_to = f"({entry_id.decode()}"
                for applied in decode_batch(fields[b"e"]):
                    for event in applied.events:
                        self._take(event)

    def positions(self) -> dict[str, int]:
        """Return the last sequence of each full book, and the last trade of each market."""
        books = {f"depth:{market}": max(books) for market, books in self.books.items()}
        return books | {f"trades:{market}": len(trades) for market, trades in self.trades.items()}

    def check(self, watch: Watch) -> None:
        """Raise AssertionError if anything was ever shown that was not so."""
        for shown in watch.books:
            bids, asks = self.books[_market(shown.channel)][shown.sequence]
            true = bids[: shown.levels or None], asks[: shown.levels or None]
            assert shown.sides == true, f"{shown.channel} at {shown.sequence} was {true}"
        for channel, sequence, top in watch.tops:
            bids, asks = self.books[_market(channel)][sequence]
            true_top = (
                *(bids[0][:2] if bids else (None, None)),
                *(asks[0][:2] if asks else (None, None)),
            )
            assert top == true_top, f"{channel} at {sequence} was {true_top}"

    def check_trades(self, watch: Watch, channel: str) -> None:
        """Raise AssertionError unless every trade from the first seen on was seen once."""
        seen, true = watch.trades.get(channel, []), self.trades.get(_market(channel), [])
        first = seen[0][0] if seen else len(true) + 1
        missing = set(range(first, len(true) + 1)) - {trade[0] for trade in seen}
        assert seen == true[first - 1 :], f"{channel} from {first} on, without {sorted(missing)}"

    def _take(self, event: object) -> None:
        match event:
            case AssetCreated():
                self._assets[event.asset.asset] = event.asset
            case MarketCreated():
                name = event.market.market
                self._markets[name] = event.market
                self._ladders[name] = {}, {}
                self.books[name] = {0: ([], [])}
                self.trades[name] = []
            case DepthChanged():
                self._change(event)
            case TradeExecuted():
                market = self._markets[event.market]
                self.trades[event.market].append(
                    (
                        event.trade_id,
                        format_price(market, event.price_ticks),
                        self._quantity(market, event.quantity_lots),
                        event.taker_side.value,
                    )
                )

    def _change(self, event: DepthChanged) -> None:
        market, ladders = self._markets[event.market], self._ladders[event.market]
        for ladder, changes in zip(ladders, (event.bids, event.asks), strict=True):
            for price_ticks, lots in changes:
                ladder[price_ticks] = lots
                if not lots:
                    del ladder[price_ticks]
        bids, asks = (
            [
                (format_price(market, ticks), self._quantity(market, ladder[ticks]))
                for ticks in order
            ]
            for ladder, order in (
                (ladders[0], sorted(ladders[0], reverse=True)),
                (ladders[1], sorted(ladders[1])),
            )
        )
        self.books[event.market][event.market_sequence] = list(bids), list(asks)

    def _quantity(self, market: Market, lots: int) -> str:
        return format_quantity(market, self._assets[market.base].scale, lots)


def _market(channel: str) -> str:
    return channel.partition(":")[2]
