"""Trades: the row of each, those of its two sides, and the lines of what they paid and received.

The rule of this file: this is most of what a busy venue does, so nothing is read twice.
"""

from collections.abc import Mapping

from history.projection.living import LivingOrders
from history.projection.page import Page
from history.projection.rows import (
    NO_ACCOUNT,
    NO_WITHDRAWAL,
    FillRow,
    LedgerRow,
    MarketRow,
    TradeRow,
    row_of,
)
from shared.messages import BalanceChange, FeeAsset, Fill, Side, TradeExecuted

MAKER, TAKER = "maker", "taker"
# One account may be on both sides: the legs tell its lines apart.
_LEG = {MAKER: 0, TAKER: 2}
_BOUGHT, _RECEIVED = Side.BUY, FeeAsset.RECEIVED.value
_BUY, _SELL = Side.BUY.value, Side.SELL.value


class Trades:
    """Writes trades; `markets` are those that the page's recording knows."""

    def __init__(self, page: Page, markets: Mapping[str, MarketRow], orders: LivingOrders) -> None:
        self._page, self._markets, self._orders = page, markets, orders

    def take(self, event: TradeExecuted) -> None:
        """Write the rows of a trade."""
        page, maker, taker = self._page, event.maker, event.taker
        taker_side, maker_side = (_BUY, _SELL) if event.taker_side is _BOUGHT else (_SELL, _BUY)
        row = (
            event.market,
            event.trade_id,
            page.at_ns,
            page.n,
            event.sequence,
            event.price_ticks,
            event.quantity_lots,
            event.quote_atoms,
            taker_side,
            maker.account_id,
            maker.order_id,
            maker.fee_atoms,
            taker.account_id,
            taker.order_id,
            taker.fee_atoms,
        )
        page.batch.trades.append(row_of(TradeRow, row))
        self._fill(event, maker, MAKER, maker_side)
        self._fill(event, taker, TAKER, taker_side)

    def _fill(self, event: TradeExecuted, fill: Fill, role: str, side: str) -> None:
        page, market, sequence = self._page, self._markets[event.market], event.sequence
        order_id, fee_atoms, quote_atoms = fill.order_id, fill.fee_atoms, event.quote_atoms
        order = self._orders.touch(order_id, page.at_ns, sequence)
        order.filled_lots = filled_lots = fill.filled_lots
        order.filled_quote_atoms += quote_atoms
        order.fee_atoms += fee_atoms
        order.status = fill.status.value
        in_base = side is _BUY and market.fee_asset == _RECEIVED
        row = (
            fill.account_id,
            sequence,
            role,
            page.at_ns,
            page.n,
            event.market,
            event.trade_id,
            order_id,
            fill.client_order_id,
            side,
            event.price_ticks,
            event.quantity_lots,
            quote_atoms,
            market.base if in_base else market.quote,
            fee_atoms,
            filled_lots,
            fill.remaining_lots,
        )
        page.batch.fills.append(row_of(FillRow, row))
        leg = _LEG[role]
        self._line(event, fill, fill.base, leg, fee_atoms if in_base else 0)
        self._line(event, fill, fill.quote, leg + 1, 0 if in_base else fee_atoms)

    def _line(
        self, event: TradeExecuted, fill: Fill, change: BalanceChange, leg: int, fee_atoms: int
    ) -> None:
        available_change, held_change = change.available_change, change.held_change
        # The fee of a very small trade may be all that it brings: nothing changes, and it is paid.
        if not (available_change or held_change or fee_atoms):
            return
        page = self._page
        row = (
            fill.account_id,
            change.asset,
            event.sequence,
            leg,
            page.at_ns,
            page.n,
            "trade",
            available_change,
            held_change,
            change.available,
            change.held,
            fee_atoms,
            event.market,
            fill.order_id,
            event.trade_id,
            NO_WITHDRAWAL,
            NO_ACCOUNT,
            "",
        )
        page.batch.ledger.append(row_of(LedgerRow, row))
