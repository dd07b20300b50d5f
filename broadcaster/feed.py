"""From the venue's events to the channels that clients read.

The rule of this file: a message is made only when somebody listens, once for all of them; a
snapshot is made once for each sequence. All of it is synchronous, so a subscriber can never slip in
between two messages.
"""

from collections.abc import Sequence

import msgspec

from broadcaster.account_updates import account_news, account_snapshot
from broadcaster.book import MarketPicture
from broadcaster.hub import AccountListener, Hub
from broadcaster.messages import (
    DepthDelta,
    DepthSnapshot,
    Reason,
    RecentTrade,
    Trade,
    TradesSnapshot,
)
from broadcaster.projection import DepthNews, News, Projection
from broadcaster.rows import AccountRows, VenueRows
from shared.messages import Applied

_encode = msgspec.json.Encoder().encode

DEPTH = "depth"
TRADES = "trades"


class Feed:
    """Keeps the projection and the hub in step; `projection` is None until the first load."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.projection: Projection | None = None
        self.resync_count = 0
        hub.unknown_codes |= {DEPTH: "UNKNOWN_MARKET", TRADES: "UNKNOWN_MARKET"}

    def load(self, rows: VenueRows) -> None:
        """Begin with these rows; clients that saw an earlier picture get new snapshots."""
        known = set() if self.projection is None else set(self.projection.markets)
        self.projection = Projection(rows)
        for market in known - self.projection.markets.keys():
            self.hub.remove_topic(f"{DEPTH}:{market}")
            self.hub.remove_topic(f"{TRADES}:{market}")
        for picture in self.projection.markets.values():
            self._switch_on(picture)
        if self.hub.ready:
            self.resync_count += 1
            self.hub.resync()
        self.hub.ready = True

    def apply(self, batch: Sequence[Applied]) -> None:
        """Take over a batch and publish what is new; raises SequenceBroken as the projection."""
        assert self.projection is not None, "a feed applies batches after its first load"
        news = News()
        try:
            self.projection.apply(batch, news)
        finally:
            self._publish(news, self.projection)

    def answer_account(self, asked: dict[AccountListener, Reason], rows: AccountRows) -> None:
        """Give an account's snapshot to those who asked for it."""
        assert self.projection is not None, "accounts are read after the first load"
        venue = self.projection

        def snapshot(reason: Reason) -> bytes:
            return _encode(account_snapshot(rows, venue, reason))

        self.hub.accounts.answer(rows.account_id, asked, rows.account.account_sequence, snapshot)

    def _switch_on(self, picture: MarketPicture) -> None:
        market = picture.market.market
        self.hub.put_topic(f"{DEPTH}:{market}", _DepthSnapshots(picture), conflated=True)
        self.hub.put_topic(f"{TRADES}:{market}", _TradesSnapshots(picture), conflated=False)

    def _publish(self, news: News, projection: Projection) -> None:
        for market in news.markets:
            self._switch_on(projection.picture(market))
        for market, trade in news.trades:
            self._publish_trade(market, trade)
        accounts = self.hub.accounts
        if accounts.listeners:
            for event, at_ns in news.private:
                for item in account_news(event, at_ns, projection, accounts.listeners):
                    accounts.publish(item.account_id, item.sequence, _encode(item.update))
        for market, depth in news.depth.items():
            self._publish_depth(projection.picture(market), depth)

    def _publish_trade(self, market: str, trade: RecentTrade) -> None:
        channel = f"{TRADES}:{market}"
        if self.hub.has_subscribers(channel):
            message = Trade(
                channel=channel,
                market=market,
                trade_id=trade.trade_id,
                price=trade.price,
                quantity=trade.quantity,
                side=trade.side,
                at_ns=trade.at_ns,
            )
            self.hub.publish(channel, _encode(message))

    def _publish_depth(self, picture: MarketPicture, depth: DepthNews) -> None:
        market = picture.market.market
        channel = f"{DEPTH}:{market}"
        if self.hub.has_subscribers(channel):
            message = DepthDelta(
                channel=channel,
                market=market,
                first_sequence=depth.first_sequence,
                last_sequence=depth.last_sequence,
                at_ns=depth.at_ns,
                bids=picture.sorted_bids(depth.bids),
                asks=picture.sorted_asks(depth.asks),
            )
            self.hub.publish(channel, _encode(message))


class _DepthSnapshots:
    """Makes a book's snapshot once per sequence and reason, however many ask."""

    def __init__(self, picture: MarketPicture) -> None:
        self._picture = picture
        self._sequence = -1
        self._made: dict[Reason, bytes] = {}

    def __call__(self, reason: Reason) -> bytes:
        picture = self._picture
        if picture.depth_sequence != self._sequence:
            self._sequence = picture.depth_sequence
            self._made.clear()
        if reason not in self._made:
            snapshot = DepthSnapshot(
                channel=f"{DEPTH}:{picture.market.market}",
                market=picture.market.market,
                sequence=picture.depth_sequence,
                at_ns=picture.at_ns,
                bids=picture.sorted_bids(),
                asks=picture.sorted_asks(),
                reason=reason,
                lagged=reason == "lagged",
            )
            self._made[reason] = _encode(snapshot)
        return self._made[reason]


class _TradesSnapshots:
    """Makes the snapshot of a market's recent trades."""

    def __init__(self, picture: MarketPicture) -> None:
        self._picture = picture

    def __call__(self, reason: Reason) -> bytes:
        market = self._picture.market.market
        snapshot = TradesSnapshot(
            channel=f"{TRADES}:{market}",
            market=market,
            last_trade_id=self._picture.last_trade_id,
            trades=list(self._picture.trades),
            reason=reason,
        )
        return _encode(snapshot)
