"""The public channels of one market, and how they read.

The rule of this file: all of a market's book channels show one book.
"""

from collections.abc import Iterable
from typing import NamedTuple

from broadcaster.channels.books import BookTopic, Picture, Step
from broadcaster.channels.cadence import Cadence
from broadcaster.channels.levels import Changed
from broadcaster.channels.logs import LogTopic
from broadcaster.channels.topic import Topic, Wish
from broadcaster.channels.values import ValueTopic
from broadcaster.venue.market import MarketPicture
from shared.feed import (
    Bbo,
    DepthDelta,
    DepthSnapshot,
    Level,
    Reason,
    RecentTrade,
    Trade,
    TradesSnapshot,
)

DEPTH, DEPTH20, BBO, TRADES = "depth", "depth20", "bbo", "trades"

DEPTH20_WISH = Wish(interval_ms=100, levels=20)


class Best(NamedTuple):
    """The best level of each side, if there is one, and when it became so."""

    at_ns: int
    bids: list[Level]
    asks: list[Level]


class MarketChannels:
    """`depth`, `depth20`, `bbo` and `trades` of a market."""

    def __init__(self, picture: MarketPicture, cadence: Cadence) -> None:
        market = picture.market.market
        form = _DepthForm(market)
        self._book = picture.book
        self._depth = BookTopic(f"{DEPTH}:{market}", cadence, form, book=picture.book)
        self._depth20 = BookTopic(
            f"{DEPTH20}:{market}", cadence, form, book=picture.book, default=DEPTH20_WISH
        )
        self._bbo: ValueTopic[Best] = ValueTopic(f"{BBO}:{market}", cadence, _BboForm(market))
        self.trades: LogTopic[RecentTrade] = LogTopic(
            f"{TRADES}:{market}", cadence, _TradesForm(market)
        )
        self._best = Best(0, [], [])  # As `bbo` says it.
        self.topics: tuple[Topic, ...] = (self._depth, self._depth20, self._bbo, self.trades)
        self._take_over(picture)

    def show(self, picture: MarketPicture) -> None:
        """Show another picture of the same market; everybody begins anew."""
        self._take_over(picture)
        for topic in self.topics:
            topic.begin("resync")

    def gather(self, changes: Iterable[Changed]) -> None:
        """Note what the book has taken over, before anybody can ask for a snapshot."""
        for changed in changes:
            self._depth.gather(changed)
            self._depth20.gather(changed)

    def flush(self) -> None:
        """Say what was noted."""
        self._depth.flush()
        self._depth20.flush()
        bids, asks = self._book.best(1)
        if bids != self._best.bids or asks != self._best.asks:
            self._best = Best(self._book.at_ns, bids, asks)
            self._bbo.set(self._book.sequence, self._best)

    def _take_over(self, picture: MarketPicture) -> None:
        book = self._book = self._depth.book = self._depth20.book = picture.book
        self._best = Best(book.at_ns, *book.best(1))
        self._bbo.load(book.sequence, self._best)
        self.trades.load(picture.loaded_trade_id, picture.recent_trades)


class _BboForm:
    """How a market's best levels read."""

    def __init__(self, market: str) -> None:
        self._market = market

    def __call__(self, channel: str, sequence: int, value: Best, reason: Reason) -> Bbo:
        bid_price, bid_quantity = _price_and_quantity(value.bids)
        ask_price, ask_quantity = _price_and_quantity(value.asks)
        return Bbo(
            channel=channel,
            market=self._market,
            sequence=sequence,
            at_ns=value.at_ns,
            bid_price=bid_price,
            bid_quantity=bid_quantity,
            ask_price=ask_price,
            ask_quantity=ask_quantity,
            reason=reason,
            lagged=reason == "lagged",
        )


def _price_and_quantity(levels: list[Level]) -> tuple[str | None, str | None]:
    return (levels[0][0], levels[0][1]) if levels else (None, None)


class _DepthForm:
    """How a market's book reads."""

    def __init__(self, market: str) -> None:
        self._market = market

    def snapshot(self, channel: str, picture: Picture, reason: Reason) -> DepthSnapshot:
        return DepthSnapshot(
            channel=channel,
            market=self._market,
            sequence=picture.sequence,
            at_ns=picture.at_ns,
            bids=picture.bids,
            asks=picture.asks,
            crc32=picture.crc32,
            levels=picture.levels,
            reason=reason,
            lagged=reason == "lagged",
        )

    def delta(self, channel: str, step: Step) -> DepthDelta:
        return DepthDelta(
            channel=channel,
            market=self._market,
            first_sequence=step.first_sequence,
            last_sequence=step.last_sequence,
            at_ns=step.at_ns,
            bids=step.bids,
            asks=step.asks,
            crc32=step.crc32,
        )


class _TradesForm:
    """How a market's trades read; an entry's number is its trade id."""

    def __init__(self, market: str) -> None:
        self._market = market

    def entry(self, channel: str, sequence: int, entry: RecentTrade) -> Trade:
        assert entry.trade_id == sequence, "trades are numbered by their ids"
        return Trade(
            channel=channel,
            market=self._market,
            trade_id=entry.trade_id,
            price=entry.price,
            quantity=entry.quantity,
            side=entry.side,
            at_ns=entry.at_ns,
        )

    def snapshot(
        self, channel: str, sequence: int, entries: Iterable[RecentTrade], reason: Reason
    ) -> TradesSnapshot:
        return TradesSnapshot(
            channel=channel,
            market=self._market,
            last_trade_id=sequence,
            trades=list(entries),
            reason=reason,
            lagged=reason == "lagged",
        )
