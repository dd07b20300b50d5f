"""The request to place one order, and the command that it becomes. Pure.

The rule of this file: what is missing, or does not belong to the type, is said here by the name it
has outside; all other rules are the engine's, which checks everything again.
"""

from api.edge.errors import ApiError
from api.edge.params import client_order_id_of
from api.orders.fields import budget_atoms, choice, lots, require, ticks
from shared.messages import Market, OrderType, PlaceOrder, SelfTrade, Side, TimeInForce
from shared.rest.orders import NewOrder

_PRICES_OF_TYPE = {
    OrderType.LIMIT: ("price",),
    OrderType.MARKET: (),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("stop_price", "price"),
    OrderType.TRAILING_STOP: (),
}
_CODE_OF_STRANGER = {
    "price": "INVALID_PRICE",
    "stop_price": "INVALID_STOP_PRICE",
    "trail": "INVALID_TRAIL",
    "trail_ppm": "INVALID_TRAIL",
}


def place_order(
    body: NewOrder, market: Market, scales: tuple[int, int], account_id: int, key: str
) -> PlaceOrder:
    """Return the command; `scales` are those of the base and the quote asset. Raises ApiError."""
    side = choice(Side, body.side, "side")
    order_type = choice(OrderType, body.type or OrderType.LIMIT, "type")
    default = TimeInForce.IOC if order_type is OrderType.MARKET else TimeInForce.GTC
    time_in_force = choice(TimeInForce, body.time_in_force or default, "time_in_force")
    self_trade = body.self_trade and choice(SelfTrade, body.self_trade, "self_trade")
    _check_prices(body, order_type)
    _check_size(body, order_type, side)
    return PlaceOrder(
        account_id=account_id,
        idempotency_key=key,
        market=market.market,
        side=side,
        type=order_type,
        time_in_force=time_in_force,
        price_ticks=ticks("price", body.price, market),
        quantity_lots=lots("quantity", body.quantity, market, scales[0]),
        budget_atoms=budget_atoms(body.quote_quantity, scales[1]),
        client_order_id=client_order_id_of(body.client_order_id),
        post_only=body.post_only,
        self_trade=self_trade or None,
        expires_at_ns=body.expires_at_ns or 0,
        display_lots=lots("display_quantity", body.display_quantity, market, scales[0]),
        stop_price_ticks=ticks("stop_price", body.stop_price, market),
        trail_ticks=ticks("trail", body.trail, market),
        trail_ppm=body.trail_ppm or 0,
        reject_if_met=body.reject_if_met,
    )


def _check_prices(body: NewOrder, order_type: OrderType) -> None:
    own = _PRICES_OF_TYPE[order_type]
    for field in own:
        require(getattr(body, field), field)
    is_trailing = order_type is OrderType.TRAILING_STOP
    for field, code in _CODE_OF_STRANGER.items():
        if getattr(body, field) is None or field in own:
            continue
        if not (is_trailing and code == "INVALID_TRAIL"):
            name = order_type.replace("_", " ")
            raise ApiError(code, f"A {name} order has no {field}; leave it out.", field=field)
    if is_trailing and (body.trail is None) == (body.trail_ppm is None):
        code = "MISSING_FIELD" if body.trail is None else "INVALID_TRAIL"
        raise ApiError(code, "Give trail or trail_ppm, one of them.", field="trail")


def _check_size(body: NewOrder, order_type: OrderType, side: Side) -> None:
    if body.quote_quantity is None:
        require(body.quantity, "quantity")
        return
    if body.quantity is not None:
        sentence = "Give quantity or quote_quantity, not both."
        raise ApiError("INVALID_BUDGET", sentence, field="quote_quantity")
    by_price = "price" in _PRICES_OF_TYPE[order_type]
    if by_price or (side is Side.SELL and order_type is not OrderType.MARKET):
        raise ApiError("INVALID_BUDGET", field="quote_quantity")
