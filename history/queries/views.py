"""From rows to what is answered. Pure.

The rule of this file: a function for each kind of row, but for candles and tickers, which are shown
live too (see `history.projection.views`); amounts become decimal text here, and what a row does not
have (0 or "") becomes null.
"""

from typing import Any

from history.queries.catalog import Catalog, MarketTexts
from shared.rest.fields import public_field
from shared.rest.history import (
    FillRecord,
    LedgerLine,
    OrderChangeView,
    OrderRecord,
    RejectionView,
)
from shared.rest.market_data import TradeView


def trade(row: Any, catalog: Catalog) -> TradeView:
    texts = catalog.texts(row.market)
    return TradeView(
        row.trade_id,
        texts.price(row.price_ticks),
        texts.quantity(row.quantity_lots),
        row.taker_side,
        row.taker_side == "sell",
        row.at_ns,
    )


def order(row: Any, catalog: Catalog) -> OrderRecord:
    texts = catalog.texts(row.market)
    fee_asset = texts.fee_asset(row.side)
    by_budget = row.budget_atoms > 0
    left_lots = max(0, row.quantity_lots - row.filled_lots)
    return OrderRecord(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        market=row.market,
        side=row.side,
        type=row.type,
        time_in_force=row.time_in_force,
        status=row.status,
        price=_price(texts, row.price_ticks),
        quantity=None if by_budget else texts.quantity(row.quantity_lots),
        quote_quantity=texts.quote(row.budget_atoms) if by_budget else None,
        filled_quantity=texts.quantity(row.filled_lots),
        remaining_quantity=None if by_budget else texts.quantity(left_lots),
        filled_quote=texts.quote(row.filled_quote_atoms),
        fee=catalog.amount(fee_asset, row.fee_atoms),
        fee_asset=fee_asset,
        placed_at_ns=row.placed_at_ns,
        updated_at_ns=row.updated_at_ns,
        stop_price=_price(texts, row.stop_price_ticks),
        trail=_price(texts, row.trail_ticks),
        trail_ppm=row.trail_ppm or None,
        display_quantity=texts.quantity(row.display_lots) if row.display_lots else None,
        expires_at_ns=row.expires_at_ns or None,
        post_only=bool(row.post_only),
        self_trade=row.self_trade,
        peer_order_id=row.peer_order_id or None,
        parent_order_id=row.parent_order_id or None,
        child_order_id=row.child_order_id,
        reason=row.end_reason,
    )


def order_change(row: Any, catalog: Catalog, *, by_budget: bool) -> OrderChangeView:
    texts = catalog.texts(row.market)
    return OrderChangeView(
        at_ns=row.at_ns,
        sequence=row.sequence,
        n=row.n,
        change=row.change,
        reason=row.reason,
        status=row.status,
        price=_price(texts, row.price_ticks),
        stop_price=_price(texts, row.stop_price_ticks),
        quantity=None if by_budget else texts.quantity(row.quantity_lots),
        filled_quantity=texts.quantity(row.filled_lots),
        remaining_quantity=None if by_budget else texts.quantity(row.remaining_lots),
        trade_id=None,
        role=None,
        fee=None,
        fee_asset=None,
    )


def order_fill(row: Any, catalog: Catalog, status: str, *, by_budget: bool) -> OrderChangeView:
    texts = catalog.texts(row.market)
    return OrderChangeView(
        at_ns=row.at_ns,
        sequence=row.sequence,
        n=row.n,
        change="filled",
        reason="",
        status=status,
        price=texts.price(row.price_ticks),
        stop_price=None,
        quantity=texts.quantity(row.quantity_lots),
        filled_quantity=texts.quantity(row.filled_lots),
        remaining_quantity=None if by_budget else texts.quantity(row.remaining_lots),
        trade_id=row.trade_id,
        role=row.role,
        fee=catalog.amount(row.fee_asset, row.fee_atoms),
        fee_asset=row.fee_asset,
    )


def fill(row: Any, catalog: Catalog) -> FillRecord:
    texts = catalog.texts(row.market)
    return FillRecord(
        trade_id=row.trade_id,
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        market=row.market,
        side=row.side,
        role=row.role,
        price=texts.price(row.price_ticks),
        quantity=texts.quantity(row.quantity_lots),
        quote_quantity=texts.quote(row.quote_atoms),
        fee=catalog.amount(row.fee_asset, row.fee_atoms),
        fee_asset=row.fee_asset,
        at_ns=row.at_ns,
        sequence=row.sequence,
    )


def ledger_line(row: Any, catalog: Catalog) -> LedgerLine:
    asset, amount = row.asset, catalog.amount
    return LedgerLine(
        at_ns=row.at_ns,
        sequence=row.sequence,
        leg=row.leg,
        n=row.n,
        asset=asset,
        cause=row.cause,
        available_change=amount(asset, row.available_change),
        held_change=amount(asset, row.held_change),
        available=amount(asset, row.available),
        held=amount(asset, row.held),
        fee=amount(asset, row.fee_atoms),
        market=row.market or None,
        order_id=row.order_id or None,
        trade_id=row.trade_id or None,
        withdrawal_id=row.withdrawal_id or None,
        counterparty_account_id=row.counterparty_account_id or None,
        reference=row.reference or None,
    )


def rejection(row: Any, _catalog: Catalog) -> RejectionView:
    return RejectionView(
        at_ns=row.at_ns,
        sequence=row.sequence,
        n=row.n,
        code=row.code,
        field=public_field(row.field),
        market=row.market or None,
        order_id=row.order_id or None,
        client_order_id=row.client_order_id,
    )


def _price(texts: MarketTexts, ticks: int) -> str | None:
    return texts.price(ticks) if ticks else None
