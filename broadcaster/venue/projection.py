"""The venue as its events tell it: the rows of one moment, then every batch in order.

The rule of this file: each event is taken over exactly once, by its sequence; what does not follow
is refused with `SequenceBroken` and changes nothing, and whoever holds the projection goes and
finds the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from broadcaster.channels.levels import Changed
from broadcaster.venue.account_updates import PRIVATE_EVENTS
from broadcaster.venue.market import MarketPicture, SequenceBroken
from broadcaster.venue.rows import VenueRows
from broadcaster.venue.withdrawals import PendingWithdrawals
from shared.feed import RecentTrade
from shared.messages import (
    Applied,
    Asset,
    AssetCreated,
    DepthChanged,
    Event,
    Market,
    MarketCreated,
    MarketUpdated,
    TradeExecuted,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from shared.money import format_decimal


@dataclass(slots=True)
class News:
    """What one batch brought, for those who fan it out."""

    markets: list[str] = field(default_factory=list)
    trades: list[tuple[str, RecentTrade]] = field(default_factory=list)
    private: list[tuple[Event, int]] = field(default_factory=list)  # With their journal time.
    depth: dict[str, list[Changed]] = field(default_factory=dict)  # By market, in order.


class Projection:
    """The picture of a venue at `sequence`, which follows its events."""

    def __init__(self, rows: VenueRows) -> None:
        self.epoch = rows.epoch
        self.sequence = rows.sequence
        self.assets: dict[str, Asset] = {asset.asset: asset for asset in rows.assets}
        self.withdrawals = PendingWithdrawals(rows.sequence, rows.withdrawals)
        self.markets: dict[str, MarketPicture] = {}
        for row in rows.markets:
            base_scale = self.assets[row.market.base].scale
            self.markets[row.market.market] = MarketPicture(
                row.market,
                base_scale,
                state=row.state,
                levels=row.levels,
                trades=row.trades,
                at_ns=rows.at_ns,
            )

    def picture(self, market: str) -> MarketPicture:
        return self.markets[market]

    def amount(self, asset: str, atoms: int) -> str:
        """Return an amount of an asset as text."""
        return format_decimal(atoms, self.assets[asset].scale)

    def apply(self, batch: Sequence[Applied], news: News) -> None:
        """Take over the events that are new and add what they mean to `news`.

        Events already known are passed over. Raises SequenceBroken at the first one that does not
        follow; all before it are taken over, and `news` has them.
        """
        for applied in batch:
            for event in applied.events:
                if event.sequence <= self.sequence:
                    continue
                if event.sequence != self.sequence + 1:
                    raise SequenceBroken(f"event {event.sequence} after {self.sequence}")
                self._apply_event(event, applied.at_ns, news)
                self.sequence = event.sequence

    def _apply_event(self, event: Event, at_ns: int, news: News) -> None:
        match event:
            case DepthChanged():
                changed = self.picture(event.market).change_depth(event, at_ns)
                news.depth.setdefault(event.market, []).append(changed)
            case TradeExecuted():
                trade = self.picture(event.market).add_trade(event, at_ns)
                news.trades.append((event.market, trade))
            case MarketCreated():
                self._add_market(event.market)
                news.markets.append(event.market.market)
            case MarketUpdated():
                self.picture(event.market.market).market = event.market
            case AssetCreated():
                self.assets[event.asset.asset] = event.asset
            case WithdrawalRequested():
                self.withdrawals.request(event, at_ns)
            case WithdrawalSettled() | WithdrawalReturned():
                self.withdrawals.end(event)
        if isinstance(event, PRIVATE_EVENTS):
            news.private.append((event, at_ns))

    def _add_market(self, market: Market) -> None:
        self.markets[market.market] = MarketPicture(market, self.assets[market.base].scale)
