"""An order as a client sees it. Pure.

The rule of this file: an order has one shape, wherever it appears; amounts are decimal text.
"""

from api.reads.catalog import Catalog
from shared.markets import format_price, format_quantity
from shared.messages import FeeAsset, Market, Order, OrderTerms, Side
from shared.money import format_decimal
from shared.wire import CommandResult

_NO_TERMS = OrderTerms()


def fee_asset_of(market: Market, side: Side) -> str:
    """Return the asset in which that side of a trade pays its fee."""
    if market.fee_asset is FeeAsset.QUOTE or side is Side.SELL:
        return market.quote
    return market.base


def order_fields(order: Order, catalog: Catalog) -> dict[str, object]:
    """Return the fields of an OrderView; the market of `order` is in the catalog."""
    market = catalog.markets[order.market]
    base_scale, quote_scale = catalog.scale(market.base), catalog.scale(market.quote)
    fee_asset = fee_asset_of(market, order.side)

    def quantity(lots: int) -> str:
        return format_quantity(market, base_scale, lots)

    by_budget = order.budget_atoms > 0
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "market": order.market,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "status": order.status,
        "price": format_price(market, order.price_ticks) if order.price_ticks else None,
        "quantity": None if by_budget else quantity(order.quantity_lots),
        "quote_quantity": format_decimal(order.budget_atoms, quote_scale) if by_budget else None,
        "filled_quantity": quantity(order.filled_lots),
        "remaining_quantity": (
            None if by_budget else quantity(order.quantity_lots - order.filled_lots)
        ),
        "filled_quote": format_decimal(order.filled_quote_atoms, quote_scale),
        "fee": format_decimal(order.fee_atoms, catalog.scale(fee_asset)),
        "fee_asset": fee_asset,
        "placed_at_ns": order.placed_at_ns,
        "updated_at_ns": order.updated_at_ns,
        **_special_fields(order, market, base_scale),
    }


def _special_fields(order: Order, market: Market, base_scale: int) -> dict[str, object]:
    terms = order.terms or _NO_TERMS

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
        "expires_at_ns": order.expires_at_ns or None,
        "post_only": order.post_only,
        "self_trade": order.self_trade,
        "peer_order_id": terms.peer_order_id or None,
        "parent_order_id": terms.parent_order_id or None,
        "child_order_id": terms.child_order_id or None,
    }


def fill_views(result: CommandResult, order: Order, catalog: Catalog) -> list[dict[str, object]]:
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
