"""What the client is told of a command's outcome.

The rule of this file: 2xx with a result and 4xx are final; 202 will be done, once; 503 was not
done; 504 is the only one that cannot say. Every answer names the idempotency key.
"""

from fastapi import Response

from api.edge.answers import answer
from api.edge.errors import ApiError
from api.orders.views import fill_views, order_fields
from api.paths import PREFIX
from api.reads.catalog import Catalog
from shared.messages import Reject
from shared.outcomes import Accepted, Answered, Mismatch, NotAccepted, Outcome
from shared.wire import CommandResult

STATUS_PATH = f"{PREFIX}/order"

_FIELD_NAMES = {
    "price_ticks": "price",
    "quantity_lots": "quantity",
    "budget_atoms": "quote_quantity",
    "amount_atoms": "amount",
    "idempotency_key": "Idempotency-Key",
    "stop_price_ticks": "stop_price",
    "trail_ticks": "trail",
    "display_lots": "display_quantity",
}


async def order_answer(outcome: Outcome, key: str, catalog: Catalog, status: int) -> Response:
    """Return the response to an order command that was sent under `key`; raises ApiError."""
    if isinstance(outcome, Accepted):
        return accepted(key, outcome.n, outcome.fingerprint)
    answered = final_answer(outcome, key)
    result = answered.result
    try:
        body = await order_body(result, key, catalog, replayed=answered.replayed)
    except ApiError:  # It is carried out; only the market's units cannot be read just now.
        return accepted(key, result.n, result.fingerprint)
    return answer(body, status, {"Idempotency-Key": key})


def cancelled_answer(outcome: Outcome, key: str) -> Response:
    """Return the response to a cancel-all that was sent under `key`; raises ApiError."""
    if isinstance(outcome, Accepted):
        return accepted(key, outcome.n, outcome.fingerprint)
    answered = final_answer(outcome, key)
    body = cancelled_body(answered.result, key, replayed=answered.replayed)
    return answer(body, 200, {"Idempotency-Key": key})


def cancelled_body(result: CommandResult, key: str, *, replayed: bool) -> dict[str, object]:
    """Return the CancelledAnswer for the result of a cancel-all."""
    return {
        "count": result.count,
        "n": result.n,
        "sequence": result.sequence,
        "replayed": replayed,
        "idempotency_key": key,
    }


def final_answer(outcome: Outcome, key: str) -> Answered:
    """Return the answer if the command was carried out; raises ApiError for everything else."""
    if isinstance(outcome, Answered):
        if outcome.result.code is not None:
            raise _rejection(outcome.result, key, replayed=outcome.replayed)
        return outcome
    if isinstance(outcome, NotAccepted):
        raise ApiError(
            outcome.refusal.value,
            retry_after_s=outcome.retry_after_s,
            details={"idempotency_key": key},
        )
    if isinstance(outcome, Mismatch):
        raise ApiError(
            "IDEMPOTENCY_MISMATCH", field="Idempotency-Key", details={"idempotency_key": key}
        )
    details: dict[str, object] = {"idempotency_key": key, "status_url": status_url(key)}
    if isinstance(outcome, Accepted):
        details["status_url"] = status_url(key, outcome.n, outcome.fingerprint)
    raise ApiError("UNKNOWN_OUTCOME", details=details)


async def order_body(
    result: CommandResult, key: str, catalog: Catalog, *, replayed: bool
) -> dict[str, object]:
    """Return the OrderAnswer for a result that has an order; raises ApiError."""
    order = result.order
    assert order is not None, "a command about an order that was carried out has its picture"
    await catalog.of_order(order)
    return {
        **order_fields(order, catalog),
        "reason": result.expiry_reason,
        "fills": fill_views(result, order, catalog),
        "n": result.n,
        "sequence": result.sequence,
        "replayed": replayed,
        "idempotency_key": key,
    }


def status_url(key: str, n: int = 0, fingerprint: bytes = b"") -> str:
    """Return where the answer to a command can be asked for, now and within the window.

    With the fingerprint the answer to another request under the same key is not taken for its own.
    """
    url = f"{STATUS_PATH}?idempotency_key={key}" + (f"&n={n}" if n else "")
    return url + (f"&fp={fingerprint.hex()}" if fingerprint else "")


def accepted(key: str, n: int, fingerprint: bytes) -> Response:
    """Return the 202 for a command that is journal entry `n`."""
    url = status_url(key, n, fingerprint)
    body = {"code": "ACCEPTED", "n": n, "idempotency_key": key, "status_url": url}
    return answer(body, 202, {"Idempotency-Key": key, "Location": url})


def _rejection(result: CommandResult, key: str, *, replayed: bool) -> ApiError:
    code = result.code or Reject.INVALID_COMMAND
    return ApiError(
        code.value,
        field=_FIELD_NAMES.get(result.field, result.field),
        details={
            "n": result.n,
            "sequence": result.sequence,
            "replayed": replayed,
            "idempotency_key": key,
        },
    )
