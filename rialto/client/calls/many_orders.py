"""Calls about several orders at once. The rule of this file: one function for each route."""

from collections.abc import Sequence

from rialto.client.call import Accepted, Call, new_key
from shared.rest.orders import (
    BatchAmend,
    BatchAnswer,
    BatchBody,
    BatchCancel,
    BatchPlace,
    CancelTimerAnswer,
    CancelTimerBody,
    CancelTimerView,
    NewOrder,
    OcoAnswer,
    OtoAnswer,
    PlaceOcoBody,
    PlaceOtoBody,
)

_ORDER = "/api/v1/order"
_TIMER = f"{_ORDER}/cancel-timer"


def place_oco(limit: NewOrder, stop: NewOrder, *, idempotency_key: str = "") -> Call[OcoAnswer]:
    """Place a limit order and a stop, of which one cancels the other."""
    body, key = PlaceOcoBody(limit=limit, stop=stop), idempotency_key or new_key()
    return Call("POST", f"{_ORDER}/oco", OcoAnswer, body, key=key, accepted=Accepted.LOOK)


def place_oto(parent: NewOrder, child: NewOrder, *, idempotency_key: str = "") -> Call[OtoAnswer]:
    """Place a limit order, and an order that waits until the first is filled."""
    body, key = PlaceOtoBody(parent=parent, child=child), idempotency_key or new_key()
    return Call("POST", f"{_ORDER}/oto", OtoAnswer, body, key=key, accepted=Accepted.LOOK)


def batch(
    commands: Sequence[BatchPlace | BatchCancel | BatchAmend], *, idempotency_key: str = ""
) -> Call[BatchAnswer]:
    """Place, cancel and amend: journalled all or none, answered one by one, in this order.

    A refusal of one command is among the results, and raises nothing.
    """
    body, key = BatchBody(commands=list(commands)), idempotency_key or new_key()
    return Call("POST", f"{_ORDER}/batch", BatchAnswer, body, key=key)


def set_cancel_timer(timeout_s: int, *, idempotency_key: str = "") -> Call[CancelTimerAnswer]:
    """Have all orders cancelled after so many seconds, unless it is set anew; 0 switches it off."""
    body, key = CancelTimerBody(timeout_s=timeout_s), idempotency_key or new_key()
    return Call("PUT", _TIMER, CancelTimerAnswer, body, key=key)


def cancel_timer(*, min_sequence: int | None = None) -> Call[CancelTimerView]:
    """Return when all orders are cancelled."""
    return Call("GET", _TIMER, CancelTimerView, query={"min_sequence": min_sequence})
