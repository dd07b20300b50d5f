"""The limits as requests over HTTP meet them: charged by the door, shown on every answer.

The rule of this file: an order that counts as an order does not weigh as a request, too.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from fastapi import Request

from api.identity.caller import Caller
from api.limits.limiter import Charge, Limits, limit_of
from api.limits.tallies import Tally

HEADER_KINDS = ("Weight", "Orders-10s", "Orders-Day")
HEADERS = tuple(
    f"X-RateLimit-{kind}-{what}" for kind in HEADER_KINDS for what in ("Limit", "Used", "Reset")
)
_SCOPE_KEY = "charge"
_NAMES = {
    name: tuple(f"x-ratelimit-{header}-{what}".encode() for what in ("limit", "used", "reset"))
    for name, header in (
        ("weight", "weight"),
        ("orders-10s", "orders-10s"),
        ("orders-day", "orders-day"),
    )
}

Scope = MutableMapping[str, Any]


def note_charge(scope: Scope, charge: Charge) -> None:
    """Keep what a request was charged with the request."""
    scope[_SCOPE_KEY] = charge


def charge_of(request: Request) -> Charge | None:
    """Return what a request was charged, None where nothing is limited."""
    return request.scope.get(_SCOPE_KEY)


def charging(limits: Limits) -> Callable[[Request, Caller], None]:
    """Return what charges a request to the account that it has proven to be of.

    It raises ApiError TOO_MANY_REQUESTS.
    """

    def charge_account(request: Request, caller: Caller) -> None:
        charge = charge_of(request)
        if charge is not None:
            limits.charge_account(caller, charge)

    return charge_account


def take_orders(
    limits: Limits, request: Request, caller: Caller, count: int = 1, *, cancels: bool = False
) -> None:
    """Count the orders of a request; raises ApiError TOO_MANY_ORDERS, BANNED."""
    charge = charge_of(request)
    if charge is None:
        return  # The operators' door limits nobody.
    charge.orders = limits.take_orders(caller, charge.address, count, cancels=cancels)
    charge.own = limits.own_limits.get(caller.account_id)
    limits.give_back(caller, charge)


def headers_of(charge: Charge, now_s: float) -> list[tuple[bytes, bytes]]:
    """Return the headers that say what is used; nothing of what is not limited."""
    headers: list[tuple[bytes, bytes]] = []
    for tally in (charge.tally, *charge.orders):
        own = charge.own
        limit = tally.window.limit if own is None else limit_of(tally, own)
        if limit:
            headers += _headers_of(tally, limit, now_s)
    return headers


def _headers_of(tally: Tally, limit: int, now_s: float) -> list[tuple[bytes, bytes]]:
    limit_name, used_name, reset_name = _NAMES[tally.window.name]
    return [
        (limit_name, b"%d" % limit),
        (used_name, b"%d" % tally.total(now_s)),
        (reset_name, b"%d" % tally.wait_s(now_s)),
    ]
