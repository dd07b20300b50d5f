"""From events to rows: what each event leaves in the history.

The rule of this file: pure, and complete: every kind of event is named here, in `TAKERS`, in
`statement.MOVES` or in `LEAVES_NOTHING`, and a test compares both with the closed set of events.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.details import details_of
from history.projection.living import Living, accepted_row
from history.projection.rows import (
    AssetRow,
    CandleRow,
    FillRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
    VenueEventRow,
)
from history.projection.statement import MOVES, Statement
from shared import messages as m

LEAVES_NOTHING = (m.TimePassed, m.DepthChanged, m.OrderTested, m.CommandReplayed)
_MAKER, _TAKER = "maker", "taker"
_STOPS = (m.OrderType.STOP, m.OrderType.STOP_LIMIT, m.OrderType.TRAILING_STOP)


class Recording:
    """Makes rows of events; it begins with what is stored: markets, living orders, candles."""

    def __init__(
        self,
        markets: Iterable[MarketRow] = (),
        orders: Iterable[OrderRow] = (),
        newest: Iterable[CandleRow] = (),
    ) -> None:
        self.batch = Batch()
        self._markets = {market.market: market for market in markets}
        self._living = {order.order_id: Living(order) for order in orders}
        self._touched: dict[int, Living] = {}
        of_market: dict[str, list[CandleRow]] = {}
        for candle in newest:
            of_market.setdefault(candle.market, []).append(candle)
        self._candles = {name: MarketCandles(name, found) for name, found in of_market.items()}
        self._n = self._at_ns = 0
        self._statement = Statement()

    def take(self, applied: m.Applied) -> None:
        """Take over the events of a journal entry, which comes after all before."""
        self._n, self._at_ns = applied.n, applied.at_ns
        self._statement.turn(self.batch, applied.n, applied.at_ns)
        for event in applied.events:
            taker = TAKERS.get(type(event))
            if taker is not None:
                taker(self, event)
            elif (money := MOVES.get(type(event))) is not None:
                money(self._statement, event)

    def finish(self) -> Batch:
        """Return the rows of all that was taken since the last time."""
        batch, self.batch = self.batch, Batch()
        for order_id, order in self._touched.items():
            batch.orders[order_id] = order.row()
            if order.is_at_its_end:
                del self._living[order_id]
        self._touched = {}
        by_market = sorted(batch.trades, key=lambda trade: trade.market)
        for market, trades in groupby(by_market, key=lambda trade: trade.market):
            candles = self._candles.get(market)
            if candles is None:
                candles = self._candles[market] = MarketCandles(market)
            batch.candles += candles.add(list(trades))
        return batch

    # ---- the venue ----

    def _asset(self, event: m.AssetCreated) -> None:
        asset = event.asset
        self.batch.assets[asset.asset] = AssetRow(asset.asset, asset.scale, self._at_ns)
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
            known.created_at_ns if known is not None else self._at_ns,
        )
        self._markets[market.market] = self.batch.markets[market.market] = row
        self._venue_event(event, market=market.market)

    def _venue_event(self, event: Any, *, market: str = "", account_id: int = 0) -> None:
        kind = event.__struct_config__.tag
        names = event.sequence, self._at_ns, self._n, kind, market, account_id
        self.batch.venue_events.append(VenueEventRow(*names, details_of(event)))

    def _market_event(self, event: m.MarketStatusChanged) -> None:
        self._venue_event(event, market=event.market)

    def _account_event(self, event: m.AccountUpdated | m.CancelTimerSet) -> None:
        self._venue_event(event, account_id=event.account_id)

    def _orders_cancelled(self, event: m.OrdersCancelled) -> None:
        self._venue_event(event, market=event.market, account_id=event.account_id)

    def _rejected(self, event: m.Rejected) -> None:
        row = RejectionRow(
            event.sequence,
            self._at_ns,
            self._n,
            event.account_id,
            event.code.value,
            event.field,
            event.market,
            event.order_id,
            event.client_order_id,
        )
        self.batch.rejections.append(row)

    # ---- orders ----

    def _accepted(self, event: m.OrderAccepted) -> None:
        order = Living(accepted_row(event, self._n, self._at_ns))
        self._living[event.order_id] = order
        self._changed(order, event, "accepted")
        self._hold_line(event, event.hold, "order_accepted")

    def _triggered(self, event: m.OrderTriggered) -> None:
        order = self._living[event.order_id]
        if event.stop_price_ticks:
            order.stop_price_ticks = event.stop_price_ticks
        # A stop whose parent is filled goes on waiting: for its price, from now on.
        if event.stop_price_ticks or order.first.type not in _STOPS:
            order.status = m.OrderStatus.OPEN.value
        self._changed(order, event, "triggered")
        self._hold_line(event, event.hold, "order_triggered")

    def _amended(self, event: m.OrderAmended) -> None:
        order = self._living[event.order_id]
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
        order = self._living[event.order_id]
        order.status, order.end_reason = status.value, event.reason.value
        self._changed(order, event, change, event.reason.value)
        self._hold_line(event, event.release, f"order_{change}")

    def _hold_line(self, event: Any, change: m.BalanceChange, cause: str) -> None:
        account_id, order_id = event.account_id, event.order_id
        self._statement.line(
            event, account_id, change, cause, market=event.market, order_id=order_id
        )

    def _changed(self, order: Living, event: Any, change: str, reason: str = "") -> None:
        self._touch(order, event.sequence)
        left_lots = max(0, order.quantity_lots - order.filled_lots)
        row = OrderChangeRow(
            event.order_id,
            event.sequence,
            self._at_ns,
            self._n,
            event.account_id,
            event.market,
            change,
            reason,
            order.status,
            order.price_ticks,
            order.stop_price_ticks,
            order.quantity_lots,
            order.filled_lots,
            left_lots,
        )
        self.batch.order_changes.append(row)

    def _touch(self, order: Living, sequence: int) -> None:
        order.updated_at_ns, order.updated_sequence = self._at_ns, sequence
        self._touched[order.first.order_id] = order

    # ---- trades ----

    def _traded(self, event: m.TradeExecuted) -> None:
        maker, taker = event.maker, event.taker
        row = TradeRow(
            event.market,
            event.trade_id,
            self._at_ns,
            self._n,
            event.sequence,
            event.price_ticks,
            event.quantity_lots,
            event.quote_atoms,
            event.taker_side.value,
            maker.account_id,
            maker.order_id,
            maker.fee_atoms,
            taker.account_id,
            taker.order_id,
            taker.fee_atoms,
        )
        self.batch.trades.append(row)
        is_buy = event.taker_side is m.Side.BUY
        self._filled(event, maker, _MAKER, is_buy=not is_buy)
        self._filled(event, taker, _TAKER, is_buy=is_buy)

    def _filled(self, event: m.TradeExecuted, fill: m.Fill, role: str, *, is_buy: bool) -> None:
        market = self._markets[event.market]
        in_base = is_buy and market.fee_asset == m.FeeAsset.RECEIVED
        order = self._living[fill.order_id]
        order.filled_lots = fill.filled_lots
        order.filled_quote_atoms += event.quote_atoms
        order.fee_atoms += fill.fee_atoms
        order.status = fill.status.value
        self._touch(order, event.sequence)
        row = FillRow(
            fill.account_id,
            event.sequence,
            role,
            self._at_ns,
            self._n,
            event.market,
            event.trade_id,
            fill.order_id,
            fill.client_order_id,
            (m.Side.BUY if is_buy else m.Side.SELL).value,
            event.price_ticks,
            event.quantity_lots,
            event.quote_atoms,
            market.base if in_base else market.quote,
            fill.fee_atoms,
            fill.filled_lots,
            fill.remaining_lots,
        )
        self.batch.fills.append(row)
        # One account may be on both sides: the legs tell its lines apart.
        leg = 0 if role == _MAKER else 2
        for number, change in enumerate((fill.base, fill.quote)):
            is_of_fee = in_base is (number == 0)
            self._statement.line(
                event,
                fill.account_id,
                change,
                "trade",
                leg=leg + number,
                fee_atoms=fill.fee_atoms if is_of_fee else 0,
                market=event.market,
                order_id=fill.order_id,
                trade_id=event.trade_id,
            )


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
    m.TradeExecuted: Recording._traded,
    m.OrderCancelled: Recording._cancelled,
    m.OrderExpired: Recording._expired,
    m.OrderAmended: Recording._amended,
    m.Rejected: Recording._rejected,
    m.UnreadableCommand: Recording._venue_event,
    m.CommandSkipped: Recording._venue_event,
}
