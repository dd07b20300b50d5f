"""From the venue's events to the channels that clients read.

The rule of this file: all of it is synchronous, so a subscriber can never slip in between two
messages, and a message of an account is made only when somebody listens.
"""

from collections.abc import Sequence

from broadcaster.channels.accounts import AccountListener
from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import encode
from broadcaster.channels.hub import Hub
from broadcaster.venue.account_updates import account_news, account_snapshot
from broadcaster.venue.channels import BBO, DEPTH, DEPTH20, TRADES, MarketChannels
from broadcaster.venue.projection import News, Projection
from broadcaster.venue.rows import AccountRows, VenueRows
from shared.feed import Reason
from shared.messages import Applied

_AccountAnswer = tuple[dict[AccountListener, Reason], AccountRows]


class Feed:
    """Keeps the projection and the hub in step; `projection` is None until the first load."""

    def __init__(self, hub: Hub, cadence: Cadence) -> None:
        self.hub = hub
        self.projection: Projection | None = None
        self.resync_count = 0
        self._cadence = cadence
        self._channels: dict[str, MarketChannels] = {}
        self._early: list[_AccountAnswer] = []  # Of a later moment than we are at.
        for prefix in (DEPTH, DEPTH20, BBO, TRADES):
            hub.unknown_codes[prefix] = "UNKNOWN_MARKET"

    def load(self, rows: VenueRows) -> None:
        """Begin with these rows; clients that saw an earlier picture get new snapshots."""
        self.projection = Projection(rows)
        for market in self._channels.keys() - self.projection.markets.keys():
            for topic in self._channels.pop(market).topics:
                self.hub.remove_topic(topic.name)
        for market, picture in self.projection.markets.items():
            if market in self._channels:
                self._channels[market].show(picture)
            else:
                self._switch_on(market, self.projection)
        if self.hub.ready:
            self.resync_count += 1
            self.hub.accounts.resync()
        self._ask_again(self._early)
        self._early = []
        self.hub.ready = True

    def apply(self, batch: Sequence[Applied]) -> None:
        """Take over a batch and publish what is new; raises SequenceBroken as the projection."""
        assert self.projection is not None, "a feed applies batches after its first load"
        news = News()
        try:
            self.projection.apply(batch, news)
        finally:
            self._publish(news, self.projection)
            early, self._early = self._early, []
            for asked, rows in early:
                self.answer_account(asked, rows)

    def answer_account(self, asked: dict[AccountListener, Reason], rows: AccountRows) -> None:
        """Give an account's snapshot to those who asked for it, as soon as we are where it is."""
        assert self.projection is not None, "accounts are read after the first load"
        venue = self.projection
        if rows.sequence > venue.sequence:
            self._early.append((asked, rows))
            return
        withdrawals = venue.withdrawals.pending_at(rows.sequence, rows.account_id)
        if withdrawals is None:
            self._ask_again([(asked, rows)])
            return

        def snapshot(reason: Reason) -> bytes:
            return encode(account_snapshot(rows, venue, reason, withdrawals))

        self.hub.accounts.answer(rows.account_id, asked, rows.account.account_sequence, snapshot)

    def _ask_again(self, answers: list[_AccountAnswer]) -> None:
        for asked, rows in answers:
            self.hub.accounts.request_again(rows.account_id, asked)

    def _switch_on(self, market: str, projection: Projection) -> None:
        channels = MarketChannels(projection.picture(market), self._cadence)
        self._channels[market] = channels
        for topic in channels.topics:
            self.hub.put_topic(topic)

    def _publish(self, news: News, projection: Projection) -> None:
        for market, changes in news.depth.items():
            if market in self._channels:  # Else it is new, and shown as it is now.
                self._channels[market].gather(changes)
        for market in news.markets:
            self._switch_on(market, projection)
        for market, trade in news.trades:
            self._channels[market].trades.add(trade)
        accounts = self.hub.accounts
        if accounts.followed:
            for event, at_ns in news.private:
                for item in account_news(event, at_ns, projection, accounts.followed):
                    accounts.publish(item.account_id, item.sequence, encode(item.update))
        for market in news.depth:
            self._channels[market].flush()
