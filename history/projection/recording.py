"""From events to rows: what each event leaves in the history.

The rule of this file: pure, and complete: every kind of event is named here, in `TAKERS`, in
`statement.MOVES` or in `LEAVES_NOTHING`, or is a trade, and a test compares all of them with the
closed set of events.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from types import MethodType
from typing import Any

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.details import details_of
from history.projection.living import Living, LivingOrders
from history.projection.page import Page
from history.projection.rows import (
    AssetRow,
    CandleRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
    VenueEventRow,
    row_of,
)
from history.projection.statement import MOVES, Statement
from history.projection.trades import Trades
from shared import messages as m

LEAVES_NOTHING = (m.TimePassed, m.DepthChanged, m.OrderTested, m.CommandReplayed)
_OrderEvent = m.OrderTriggered | m.OrderAmended | m.OrderCancelled | m.OrderExpired
_STOPS = (m.OrderType.STOP, m.OrderType.STOP_LIMIT, m.OrderType.TRAILING_STOP)


class Recording:
    """Makes rows of events; it begins with what is stored: markets, living orders, candles.

    `orders` are those that live.
    """

    def __init__(
        self,
        markets: Iterable[MarketRow] = (),
        orders: Iterable[OrderRow] = (),
        newest: Iterable[CandleRow] = (),
    ) -> None:
        self._page = Page()
        self._markets = {market.market: market for market in markets}
        self.orders = LivingOrders(orders)
        self._candles: dict[str, MarketCandles] = {}
        by_market = sorted(newest, key=_market_of)
        for market, candles in groupby(by_market, key=_market_of):
            self._candles[market] = MarketCandles(market, candles)
        self._statement = Statement(self._page)
        trades = Trades(self._page, self._markets, self.orders)
        self._takers: dict[type, Callable[[Any], None]] = {m.TradeExecuted: trades.take}
        for whose, takers in ((self, TAKERS), (self._statement, MOVES)):
            self._takers |= {kind: MethodType(taker, whose) for kind, taker in takers.items()}

    def take(self, applied: m.Applied) -> None:
        """Take over the events of a journal entry, which comes after all before."""
        self._page.n, self._page.at_ns = applied.n, applied.at_ns
        takers = self._takers
        for event in applied.events:
            taker = takers.get(type(event))
            if taker is not None:
                taker(event)

    def finish(self) -> Batch:
        """Return the rows of all that was taken since the last time."""
        batch = self._page.turn()
        batch.orders = self.orders.drain()
        for market, trades in groupby(sorted(batch.trades, key=_market_of), key=_market_of):
            candles = self._candles.get(market)
            if candles is None:
                candles = self._candles[market] = MarketCandles(market)
            batch.candles += candles.add(list(trades))
        return batch

    # ---- the venue ----

    def _asset(self, event: m.AssetCreated) -> None:
        asset = event.asset
        self._page.batch.assets[asset.asset] = AssetRow(asset.asset, asset.scale, self._page.at_ns)
        self._venue_event(event)

    def _market(self, event: m.MarketCreated | m.MarketUpdated) -> None:
        market = event.market
        known = self._markets.get(market.market)
        row = MarketRow(
            market.market,
            market.base,
            market.quote,
            market.price_scale,
            market.price_tick,
            market.lot_atoms,
            market.atoms_per_tick_lot,
            market.fee_asset.value,
            details_of(market.rules),
            known.created_at_ns if known is not None else self._page.at_ns,
        )
        self._markets[market.market] = self._page.batch.markets[market.market] = row
        self._venue_event(event, market=market.market)

    def _venue_event(self, event: Any, *, market: str = "", account_id: int = 0) -> None:
        kind = event.__struct_config__.tag
        names = event.sequence, self._page.at_ns, self._page.n, kind, market, account_id
        self._page.batch.venue_events.append(VenueEventRow(*names, details_of(event)))

    def _market_event(self, event: m.MarketStatusChanged) -> None:
        self._venue_event(event, market=event.market)

    def _account_event(self, event: m.AccountUpdated | m.CancelTimerSet) -> None:
        self._venue_event(event, account_id=event.account_id)

    def _orders_cancelled(self, event: m.OrdersCancelled) -> None:
        self._venue_event(event, market=event.market, account_id=event.account_id)

    def _rejected(self, event: m.Rejected) -> None:
        row = RejectionRow(
            event.sequence,
            self._page.at_ns,
            self._page.n,
            event.account_id,
            event.code.value,
            event.field,
            event.market,
            event.order_id,
            event.client_order_id,
        )
        self._page.batch.rejections.append(row)

    # ---- orders ----

    def _accepted(self, event: m.OrderAccepted) -> None:
        order = Living.accepted(event, self._page.n, self._page.at_ns)
        self.orders.add(order)
        self._changed(order, event, "accepted")
        self._hold_line(event, event.hold, "order_accepted")

    def _triggered(self, event: m.OrderTriggered) -> None:
        order = self._touched(event)
        if event.stop_price_ticks:
            order.stop_price_ticks = event.stop_price_ticks
        # A stop whose parent is filled goes on waiting: for its price, from now on.
        if event.stop_price_ticks or order.type not in _STOPS:
            order.status = m.OrderStatus.OPEN.value
        self._changed(order, event, "triggered")
        self._hold_line(event, event.hold, "order_triggered")

    def _amended(self, event: m.OrderAmended) -> None:
        order = self._touched(event)
        order.quantity_lots = event.quantity_lots
        order.price_ticks = event.price_ticks
        order.stop_price_ticks = event.stop_price_ticks
        self._changed(order, event, "amended", event.reason.value)
        self._hold_line(event, event.hold, "order_amended")

    def _cancelled(self, event: m.OrderCancelled) -> None:
        self._ended(event, m.OrderStatus.CANCELLED, "cancelled")

    def _expired(self, event: m.OrderExpired) -> None:
        self._ended(event, m.OrderStatus.EXPIRED, "expired")

    def _ended(
        self, event: m.OrderCancelled | m.OrderExpired, status: m.OrderStatus, change: str
    ) -> None:
        order = self._touched(event)
        order.status, order.end_reason = status.value, event.reason.value
        self._changed(order, event, change, event.reason.value)
        self._hold_line(event, event.release, f"order_{change}")

    def _hold_line(self, event: Any, change: m.BalanceChange, cause: str) -> None:
        account_id, order_id = event.account_id, event.order_id
        self._statement.line(
            event, account_id, change, cause, market=event.market, order_id=order_id
        )

    def _changed(self, order: Living, event: Any, change: str, reason: str = "") -> None:
        quantity_lots, filled_lots = order.quantity_lots, order.filled_lots
        # An order by quote budget has no quantity.
        left_lots = quantity_lots - filled_lots if quantity_lots else 0
        row = (
            event.order_id,
            event.sequence,
            self._page.at_ns,
            self._page.n,
            event.account_id,
            event.market,
            change,
            reason,
            order.status,
            order.price_ticks,
            order.stop_price_ticks,
            quantity_lots,
            filled_lots,
            left_lots,
        )
        self._page.batch.order_changes.append(row_of(OrderChangeRow, row))

    def _touched(self, event: _OrderEvent) -> Living:
        return self.orders.touch(event.order_id, self._page.at_ns, event.sequence)


def _market_of(row: TradeRow | CandleRow) -> str:
    return row.market


_Taker = Callable[[Recording, Any], None]
TAKERS: dict[type, _Taker] = {
    m.AssetCreated: Recording._asset,
    m.MarketCreated: Recording._market,
    m.MarketUpdated: Recording._market,
    m.MarketStatusChanged: Recording._market_event,
    m.AccountUpdated: Recording._account_event,
    m.CancelTimerSet: Recording._account_event,
    m.OrdersCancelled: Recording._orders_cancelled,
    m.OrderAccepted: Recording._accepted,
    m.OrderTriggered: Recording._triggered,
    m.OrderCancelled: Recording._cancelled,
    m.OrderExpired: Recording._expired,
    m.OrderAmended: Recording._amended,
    m.Rejected: Recording._rejected,
    m.UnreadableCommand: Recording._venue_event,
    m.CommandSkipped: Recording._venue_event,
}
