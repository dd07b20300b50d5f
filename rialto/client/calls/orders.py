"""Calls about orders. The rule of this file: one function for each route."""

from rialto.client.call import Amount, Call, fields, new_key
from shared.rest.orders import CancelledAnswer, OpenOrders, OrderAnswer, OrderView

_ORDER = "/api/v1/order"


def place_order(
    market: str,
    side: str,
    *,
    price: Amount | None = None,
    quantity: Amount | None = None,
    idempotency_key: str = "",
    **more: object,
) -> Call[OrderAnswer]:
    """Place an order; `more` are the other fields of PlaceOrderBody, such as type="market"."""
    body = fields(market=market, side=side, price=price, quantity=quantity, **more)
    return Call("POST", _ORDER, OrderAnswer, body, key=idempotency_key or new_key())


def cancel_order(
    order_id: int | None = None,
    *,
    client_order_id: str | None = None,
    idempotency_key: str = "",
) -> Call[OrderAnswer]:
    """Cancel an order by its number or by your own name for it."""
    query = {"order_id": order_id, "client_order_id": client_order_id}
    return Call("DELETE", _ORDER, OrderAnswer, query=query, key=idempotency_key or new_key())


def cancel_all_orders(
    *, market: str | None = None, side: str | None = None, idempotency_key: str = ""
) -> Call[CancelledAnswer]:
    """Cancel all orders: of one market or all, of one side or both."""
    query = {"market": market, "side": side}
    key = idempotency_key or new_key()
    return Call("DELETE", f"{_ORDER}/open", CancelledAnswer, query=query, key=key)


def amend_order(
    order_id: int | None = None,
    *,
    client_order_id: str | None = None,
    quantity: Amount | None = None,
    price: Amount | None = None,
    stop_price: Amount | None = None,
    idempotency_key: str = "",
) -> Call[OrderAnswer]:
    """Give an order a new total quantity, price or stop price."""
    body = fields(
        order_id=order_id,
        client_order_id=client_order_id,
        quantity=quantity,
        price=price,
        stop_price=stop_price,
    )
    return Call("PATCH", _ORDER, OrderAnswer, body, key=idempotency_key or new_key())


def open_orders(*, market: str | None = None, min_sequence: int | None = None) -> Call[OpenOrders]:
    """Return the open and pending orders, oldest first."""
    query = {"market": market, "min_sequence": min_sequence}
    return Call("GET", f"{_ORDER}/open", OpenOrders, query=query)


def order(order_id: int, *, min_sequence: int | None = None) -> Call[OrderView]:
    """Return one order, open or lately closed."""
    query = {"min_sequence": min_sequence}
    return Call("GET", f"{_ORDER}/{order_id}", OrderView, query=query)
