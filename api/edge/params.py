"""Query parameters and header values: read by hand, as strictly as bodies.

The rule of this file: a parameter that is not known, given twice, or out of range is refused by
name.
"""

import re
import secrets
from collections.abc import Mapping

from fastapi import Request

from api.edge.errors import ApiError
from shared.rest.texts import INTEGER_MAX

TOKEN_TEXT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
DEPOSIT_KEY_PREFIX = "deposit:"
WITHDRAWAL_KEY_PREFIX = "withdrawal:"
# What is done once by its own nature lives among the keys of the account that it concerns.
RESERVED_KEY_PREFIXES = (DEPOSIT_KEY_PREFIX, WITHDRAWAL_KEY_PREFIX)
DERIVED_KEY = (
    "derived_idempotency_key"  # In the scope of a signed request; see api.keys.signatures.
)
_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")


def query_of(request: Request, *allowed: str) -> dict[str, str]:
    """Return the query's parameters; raises ApiError for one not allowed or given twice."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            raise ApiError("UNKNOWN_PARAMETER", field=name)
        if name in query:
            raise ApiError("INVALID_PARAMETER", "Give each parameter once.", field=name)
        query[name] = value
    return query


def required(query: Mapping[str, str], name: str) -> str:
    try:
        return query[name]
    except KeyError:
        raise ApiError("MISSING_FIELD", f"The parameter {name} is missing.", field=name) from None


def integer(
    query: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = INTEGER_MAX
) -> int:
    """Return the parameter as an integer from `least` to `most`."""
    text = query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
        raise ApiError(
            "INVALID_PARAMETER", f"{name} is a whole number from {least} to {most}.", field=name
        )
    return int(text)


def order_id_of(value: int | str, field: str = "order_id") -> int:
    """Return an order id; one that cannot exist gets the same answer as an unknown one."""
    text = str(value)
    if not _INTEGER.fullmatch(text) or not 0 < int(text) <= INTEGER_MAX:
        raise ApiError("UNKNOWN_ORDER", field=field)
    return int(text)


def client_order_id_of(text: str | None) -> str:
    if text is None:
        return ""
    if not TOKEN_TEXT.fullmatch(text):
        raise ApiError("INVALID_CLIENT_ORDER_ID", field="client_order_id")
    return text


def checked_idempotency_key(text: str, field: str) -> str:
    if not TOKEN_TEXT.fullmatch(text):
        raise ApiError("INVALID_IDEMPOTENCY_KEY", field=field)
    if text.startswith(RESERVED_KEY_PREFIXES):
        sentence = f"Keys that begin with {' or '.join(RESERVED_KEY_PREFIXES)} are the exchange's."
        raise ApiError("INVALID_IDEMPOTENCY_KEY", sentence, field=field)
    return text


def idempotency_key_of(request: Request) -> str:
    """Return the request's Idempotency-Key, or a new one; the answer names it either way.

    A signed request without one has that of its signed text, so that it counts once however often
    somebody sends it again.
    """
    given = request.headers.getlist("idempotency-key")
    if not given:
        derived: str | None = request.scope.get(DERIVED_KEY)
        return derived or secrets.token_hex(16)
    if len(given) > 1:
        raise ApiError("INVALID_IDEMPOTENCY_KEY", "Give one.", field="Idempotency-Key")
    return checked_idempotency_key(given[0], "Idempotency-Key")
