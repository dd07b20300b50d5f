"""An order as a client sees it. Pure.

The rule of this file: an order has one shape, wherever it appears; amounts are decimal text. An
order is shown many thousand times a second, so its fields are put into one dict, once.
"""

from api.reads.catalog import Catalog
from shared.markets import format_price, format_quantity
from shared.messages import FeeAsset, Market, Order, OrderTerms, Side
from shared.money import format_decimal
from shared.wire import CommandResult

Fields = dict[str, object]


def fee_asset_of(market: Market, side: Side) -> str:
    """Return the asset in which that side of a trade pays its fee."""
    if market.fee_asset is FeeAsset.QUOTE or side is Side.SELL:
        return market.quote
    return market.base


def order_fields(order: Order, catalog: Catalog) -> Fields:
    """Return the fields of an OrderView, anew; the market of `order` is in the catalog."""
    market = catalog.markets[order.market]
    base_scale, quote_scale = catalog.scale(market.base), catalog.scale(market.quote)
    fee_asset = fee_asset_of(market, order.side)
    by_budget = order.budget_atoms > 0
    quantity = None if by_budget else format_quantity(market, base_scale, order.quantity_lots)
    filled, remaining, filled_quote, fee = "0", quantity, "0", "0"
    if order.filled_lots:
        filled = format_quantity(market, base_scale, order.filled_lots)
        filled_quote = format_decimal(order.filled_quote_atoms, quote_scale)
        fee = format_decimal(order.fee_atoms, catalog.scale(fee_asset))
        if not by_budget:
            left_lots = order.quantity_lots - order.filled_lots
            remaining = format_quantity(market, base_scale, left_lots)
    fields: Fields = {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "market": order.market,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "status": order.status,
        "price": format_price(market, order.price_ticks) if order.price_ticks else None,
        "quantity": quantity,
        "quote_quantity": format_decimal(order.budget_atoms, quote_scale) if by_budget else None,
        "filled_quantity": filled,
        "remaining_quantity": remaining,
        "filled_quote": filled_quote,
        "fee": fee,
        "fee_asset": fee_asset,
        "placed_at_ns": order.placed_at_ns,
        "updated_at_ns": order.updated_at_ns,
    }
    _add_special(fields, order, market, base_scale)
    return fields


_NO_TERMS: Fields = {
    "stop_price": None,
    "trail": None,
    "trail_ppm": None,
    "display_quantity": None,
    "expires_at_ns": None,
    "post_only": False,
    "self_trade": None,
    "peer_order_id": None,
    "parent_order_id": None,
    "child_order_id": None,
}


def _add_special(fields: Fields, order: Order, market: Market, base_scale: int) -> None:
    fields |= _NO_TERMS  # All of them, in their place, for the many orders that have none.
    fields["expires_at_ns"] = order.expires_at_ns or None
    fields["post_only"] = order.post_only
    fields["self_trade"] = order.self_trade
    terms = order.terms
    if terms is not None:
        fields |= _terms(terms, market, base_scale)


def _terms(terms: OrderTerms, market: Market, base_scale: int) -> Fields:
    def price(ticks: int) -> str | None:
        return format_price(market, ticks) if ticks else None

    display_lots = terms.display_lots
    return {
        "stop_price": price(terms.stop_price_ticks),
        "trail": price(terms.trail_ticks),
        "trail_ppm": terms.trail_ppm or None,
        "display_quantity": (
            format_quantity(market, base_scale, display_lots) if display_lots else None
        ),
        "peer_order_id": terms.peer_order_id or None,
        "parent_order_id": terms.parent_order_id or None,
        "child_order_id": terms.child_order_id or None,
    }


def fill_views(result: CommandResult, order: Order, catalog: Catalog) -> list[Fields]:
    """Return the fills of a result as FillViews."""
    market = catalog.markets[order.market]
    base_scale = catalog.scale(market.base)
    fee_asset = fee_asset_of(market, order.side)
    fee_scale = catalog.scale(fee_asset)
    return [
        {
            "trade_id": fill.trade_id,
            "price": format_price(market, fill.price_ticks),
            "quantity": format_quantity(market, base_scale, fill.quantity_lots),
            "fee": format_decimal(fill.fee_atoms, fee_scale),
            "fee_asset": fee_asset,
        }
        for fill in result.fills
    ]
