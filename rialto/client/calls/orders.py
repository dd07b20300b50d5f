"""Calls about single orders. The rule of this file: one function for each thing to do.

They are answered in full, because an answer of which parts may be missing has no exact type; the
shorter answers are for those who count microseconds, in a batch or by WebSocket.
"""

from typing import TypedDict, Unpack

from msgspec.structs import asdict

from rialto.client.call import Accepted, Amount, Call, decimal_text, new_key, part
from shared.rest.orders import (
    AmendOrderBody,
    CancelledAnswer,
    NewOrder,
    OpenOrders,
    OrderAnswer,
    OrderView,
    PlaceOrderBody,
    TestAnswer,
)

_ORDER = "/api/v1/order"
_AMOUNTS = ("price", "quantity", "quote_quantity", "stop_price", "trail", "display_quantity")


class OrderTerms(TypedDict, total=False):
    """The terms of an order; `NewOrder` says what they mean."""

    type: str
    time_in_force: str
    price: Amount
    quantity: Amount
    quote_quantity: Amount
    client_order_id: str
    stop_price: Amount
    trail: Amount
    trail_ppm: int
    display_quantity: Amount
    post_only: bool
    self_trade: str
    expires_at_ns: int
    reject_if_met: bool


def new_order(market: str, side: str, **terms: Unpack[OrderTerms]) -> NewOrder:
    """Return an order for a pair or a batch; nothing is sent."""
    given: dict[str, object] = dict(terms)
    for name in _AMOUNTS:
        if name in given:
            given[name] = decimal_text(name, given[name])  # type: ignore[call-overload]
    return NewOrder(market=market, side=side, **given)  # type: ignore[arg-type]


def place_order(
    market: str, side: str, *, idempotency_key: str = "", **terms: Unpack[OrderTerms]
) -> Call[OrderAnswer]:
    """Place an order; with a price and a quantity only, a limit order, good till cancelled."""
    body = PlaceOrderBody(**asdict(new_order(market, side, **terms)))
    key = idempotency_key or new_key()
    return Call("POST", _ORDER, OrderAnswer, body, key=key, accepted=Accepted.LOOK)


def check_order(
    market: str, side: str, *, idempotency_key: str = "", **terms: Unpack[OrderTerms]
) -> Call[TestAnswer]:
    """Check an order in every way, and place nothing."""
    body = PlaceOrderBody(**asdict(new_order(market, side, **terms)))
    key = idempotency_key or new_key()
    return Call("POST", f"{_ORDER}/test", TestAnswer, body, key=key, accepted=Accepted.LOOK)


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
    body = AmendOrderBody(
        order_id=order_id,
        client_order_id=client_order_id,
        quantity=decimal_text("quantity", quantity),
        price=decimal_text("price", price),
        stop_price=decimal_text("stop_price", stop_price),
    )
    key = idempotency_key or new_key()
    return Call("PATCH", _ORDER, OrderAnswer, body, key=key, accepted=Accepted.LOOK)


def cancel_order(
    order_id: int | None = None,
    *,
    client_order_id: str | None = None,
    idempotency_key: str = "",
) -> Call[OrderAnswer]:
    """Cancel an order by its number, or by your own name for it."""
    path, query = _named(order_id, client_order_id)
    key = idempotency_key or new_key()
    return Call("DELETE", path, OrderAnswer, query=query, key=key, accepted=Accepted.LOOK)


def cancel_all_orders(
    *, market: str | None = None, side: str | None = None, idempotency_key: str = ""
) -> Call[CancelledAnswer]:
    """Cancel all orders: of one market or all, of one side or both."""
    query = {"market": market, "side": side}
    key, path = idempotency_key or new_key(), f"{_ORDER}/open"
    return Call("DELETE", path, CancelledAnswer, query=query, key=key, accepted=Accepted.LOOK)


def order(
    order_id: int | None = None,
    *,
    client_order_id: str | None = None,
    min_sequence: int | None = None,
) -> Call[OrderView]:
    """Return one order: open, or by its number also lately closed."""
    path, query = _named(order_id, client_order_id)
    return Call("GET", path, OrderView, query={**query, "min_sequence": min_sequence})


def order_answer(
    idempotency_key: str, *, n: int | None = None, fp: str | None = None
) -> Call[OrderAnswer]:
    """Return the answer to a request about one order, by its key; raises its refusal too.

    `n` and `fp` are those of a status_url. What was asked otherwise is asked again with its key.
    """
    query = {"idempotency_key": idempotency_key, "n": n, "fp": fp}
    return Call("GET", _ORDER, OrderAnswer, query=query, accepted=Accepted.LOOK)


def open_orders(
    *,
    market: str | None = None,
    after: int | None = None,
    limit: int | None = None,
    min_sequence: int | None = None,
) -> Call[OpenOrders]:
    """Return a page of the open and pending orders, oldest first; `after` is `next` of the last."""
    query = {"market": market, "after": after, "limit": limit, "min_sequence": min_sequence}
    return Call("GET", f"{_ORDER}/open", OpenOrders, query=query)


def _named(order_id: int | None, client_order_id: str | None) -> tuple[str, dict[str, object]]:
    if order_id is not None and client_order_id is None:
        return f"{_ORDER}/{part('order_id', order_id)}", {}
    return _ORDER, {"order_id": order_id, "client_order_id": client_order_id}
