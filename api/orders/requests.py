"""What a client may ask of its orders, and the command that it becomes. Pure.

The rule of this file: text and choices in, ticks and lots out; the account comes from the caller,
who has it from the token. The engine checks everything again.
"""

import hashlib

import msgspec

from api.edge.errors import ApiError
from api.edge.params import client_order_id_of, order_id_of
from api.orders.fields import choice, lots, ticks
from shared.messages import (
    NO_ORDER_ID,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Market,
    Order,
    SetCancelTimer,
    Side,
)
from shared.rest.orders import AmendOrderBody, CancelOrderBody

SECOND_NS = 1_000_000_000
TIMER_TIMEOUT_MAX_S = 86_400  # The engine's own limit; more would not fit the command.


def cancel_order(body: CancelOrderBody, account_id: int, key: str) -> CancelOrder:
    """Return the command; raises ApiError."""
    order_id, client_order_id = named_order(body.order_id, body.client_order_id)
    return CancelOrder(
        account_id=account_id,
        idempotency_key=key,
        order_id=order_id,
        client_order_id=client_order_id,
    )


def cancel_all(market: str, side: str | None, account_id: int, key: str) -> CancelAll:
    """Return the command: of one market or ("") all, of one side or (None) both."""
    return CancelAll(
        account_id=account_id,
        idempotency_key=key,
        market=market,
        side=None if side is None else choice(Side, side, "side"),
    )


def set_cancel_timer(timeout_s: int, account_id: int, key: str) -> SetCancelTimer:
    """Return the command; raises ApiError."""
    if not 0 <= timeout_s <= TIMER_TIMEOUT_MAX_S:
        raise ApiError("INVALID_TIMEOUT", field="timeout_s")
    return SetCancelTimer(
        account_id=account_id, idempotency_key=key, timeout_ns=timeout_s * SECOND_NS
    )


def amend_order(
    body: AmendOrderBody, order: Order, market: Market, base_scale: int, key: str
) -> AmendOrder:
    """Return the command for `order`, which is in `market`; raises ApiError.

    It names the order by its number: by the client's name the engine could find a later order, in a
    market with another lot.
    """
    return AmendOrder(
        account_id=order.account_id,
        idempotency_key=key,
        order_id=order.order_id,
        quantity_lots=lots("quantity", body.quantity, market, base_scale) or None,
        price_ticks=ticks("price", body.price, market),
        stop_price_ticks=ticks("stop_price", body.stop_price, market),
    )


def check_amendment(body: AmendOrderBody) -> None:
    """Raise ApiError unless something is to be amended."""
    if (body.quantity, body.price, body.stop_price) == (None, None, None):
        sentence = "Say what is to be amended: quantity, price or stop_price."
        raise ApiError("MISSING_FIELD", sentence, field="quantity")


def amend_no_order(body: AmendOrderBody, account_id: int, key: str) -> AmendOrder:
    """Return a command that the engine refuses as UNKNOWN_ORDER, and remembers under its key.

    Without it a repeat could find a later order of that name and amend it after all. Its quantity
    stands for the whole request, so that other parameters under the key are seen as such.
    """
    wanted_id, wanted_name = named_order(body.order_id, body.client_order_id)
    request = msgspec.json.encode(
        (wanted_id, wanted_name, body.quantity, body.price, body.stop_price)
    )
    return AmendOrder(
        account_id=account_id,
        idempotency_key=key,
        order_id=NO_ORDER_ID,
        client_order_id=wanted_name,
        quantity_lots=int.from_bytes(hashlib.blake2b(request, digest_size=6).digest()),
    )


def named_order(order_id: int | str | None, client_order_id: str | None) -> tuple[int, str]:
    """Return the order's id, or 0 and the client's own; exactly one must be given."""
    if (order_id is None) == (client_order_id is None):
        sentence = "Name the order by order_id or by client_order_id, one of them."
        code = "MISSING_FIELD" if order_id is None else "INVALID_FIELD"
        raise ApiError(code, sentence, field="order_id")
    if order_id is None:
        return 0, client_order_id_of(client_order_id)
    return order_id_of(order_id), ""
