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
_BUY, _SELL = Side.BUY.value, Side.SELL.value


class Trades:
    """Writes trades; `markets` are those that the page's recording knows."""

    def __init__(self, page: Page, markets: Mapping[str, MarketRow], orders: LivingOrders) -> None:
        self._page, self._markets, self._orders = page, markets, orders

    def take(self, event: TradeExecuted) -> None:
        """Write the rows of a trade."""
        page, maker, taker = self._page, event.maker, event.taker
        is_buy = event.taker_side is Side.BUY
        row = (
            event.market,
            event.trade_id,
            page.at_ns,
            page.n,
            event.sequence,
            event.price_ticks,
            event.quantity_lots,
            event.quote_atoms,
            _BUY if is_buy else _SELL,
            maker.account_id,
            maker.order_id,
            maker.fee_atoms,
            taker.account_id,
            taker.order_id,
            taker.fee_atoms,
        )
        trade = row_of(TradeRow, row)
        page.batch.trades.append(trade)
        market = self._markets[event.market]
        self._fill(trade, market, maker, MAKER, is_buy=not is_buy)
        self._fill(trade, market, taker, TAKER, is_buy=is_buy)

    def _fill(
        self, trade: TradeRow, market: MarketRow, fill: Fill, role: str, *, is_buy: bool
    ) -> None:
        name, trade_id, at_ns, n, sequence, price_ticks, lots, quote_atoms, *_ = trade
        account_id, order_id, fee_atoms = fill.account_id, fill.order_id, fill.fee_atoms
        order = self._orders.touch(order_id, at_ns, sequence)
        order.filled_lots = filled_lots = fill.filled_lots
        order.filled_quote_atoms += quote_atoms
        order.fee_atoms += fee_atoms
        order.status = fill.status.value
        in_base = is_buy and market.fee_asset == FeeAsset.RECEIVED
        batch = self._page.batch
        row = (
            account_id,
            sequence,
            role,
            at_ns,
            n,
            name,
            trade_id,
            order_id,
            fill.client_order_id,
            _BUY if is_buy else _SELL,
            price_ticks,
            lots,
            quote_atoms,
            market.base if in_base else market.quote,
            fee_atoms,
            filled_lots,
            fill.remaining_lots,
        )
        batch.fills.append(row_of(FillRow, row))
        leg = _LEG[role]
        self._line(trade, fill, fill.base, leg, fee_atoms if in_base else 0)
        self._line(trade, fill, fill.quote, leg + 1, 0 if in_base else fee_atoms)

    def _line(
        self, trade: TradeRow, fill: Fill, change: BalanceChange, leg: int, fee_atoms: int
    ) -> None:
        available_change, held_change = change.available_change, change.held_change
        # The fee of a very small trade may be all that it brings: nothing changes, and it is paid.
        if not (available_change or held_change or fee_atoms):
            return
        row = (
            fill.account_id,
            change.asset,
            trade.sequence,
            leg,
            trade.at_ns,
            trade.n,
            "trade",
            available_change,
            held_change,
            change.available,
            change.held,
            fee_atoms,
            trade.market,
            fill.order_id,
            trade.trade_id,
            NO_WITHDRAWAL,
            NO_ACCOUNT,
            "",
        )
        self._page.batch.ledger.append(row_of(LedgerRow, row))
