"""What a client is told of a command's outcome, whichever way the command came.

The rule of this file: 2xx with a result and 4xx are final; 202 will be done, once; 503 was not
done; 504 is the only one that cannot say. Every answer names the idempotency key.
"""

from enum import StrEnum

from msgspec import Struct

from api.edge.errors import ApiError
from api.orders.views import Fields, fill_views, order_fields
from api.paths import PREFIX
from api.reads.catalog import Catalog
from api.reads.stored import url_of
from shared.messages import Order, Reject
from shared.money import format_decimal
from shared.outcomes import Accepted, Answered, Mismatch, NotAccepted, Outcome
from shared.rest.fields import public_field
from shared.wire import CommandResult

STATUS_PATH = f"{PREFIX}/order"


class Form(StrEnum):
    """How much of an order its answer shows; the field `response` of a request."""

    ACK = "ack"
    RESULT = "result"
    FULL = "full"


class Told(Struct, frozen=True):
    """An answer that is not an error: its status, its body for any JSON encoder, the key it was
    asked under, and (202 only) where the final answer will be.
    """

    status: int
    body: Fields
    key: str
    status_url: str = ""


class Teller:
    """Makes answers of outcomes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def prepare(self, outcome: Outcome) -> None:
        """Read the list of markets if the answer speaks of one that is not known; never raises."""
        if isinstance(outcome, Answered) and not self._knows_units(outcome.result):
            try:
                await self._catalog.refresh(0)
            except ApiError:
                return  # `told` says then that it is carried out.

    def told(self, outcome: Outcome, key: str, form: Form, status: int = 200) -> Told:
        """Return the answer to the command that was sent under `key`; raises ApiError.

        Whatever market the answer speaks of is prepared.
        """
        if isinstance(outcome, Accepted):
            return accepted(key, outcome.n, outcome.fingerprint)
        answered = final_answer(outcome, key)
        result, replayed = answered.result, answered.replayed
        order = result.order
        if form is not Form.ACK and not self._knows_units(result):
            # It is carried out; only the market's units cannot be read just now.
            return accepted(key, result.n, result.fingerprint)
        body = self._without_order(result) if order is None else self._body(result, order, form)
        body["n"] = result.n
        body["sequence"] = result.sequence
        body["replayed"] = replayed
        body["idempotency_key"] = key
        return Told(status, body, key)

    def _knows_units(self, result: CommandResult) -> bool:
        order = result.order
        if order is not None:
            return order.market in self._catalog.markets
        return not result.hold_asset or result.hold_asset in self._catalog.assets

    def _without_order(self, result: CommandResult) -> Fields:
        if result.count is not None:
            return {"count": result.count}
        if result.hold_asset:
            hold = format_decimal(result.hold_atoms, self._catalog.scale(result.hold_asset))
            return {"valid": True, "hold": hold, "asset": result.hold_asset}
        return {"at_ns": result.at_ns}

    def _body(self, result: CommandResult, order: Order, form: Form) -> Fields:
        if result.other_order is not None:
            return self._pair(result, order, result.other_order, form)
        if form is Form.ACK:
            return _ids(order)
        body = order_fields(order, self._catalog)
        self._add_course(body, result, order, form)
        return body

    def _pair(self, result: CommandResult, first: Order, second: Order, form: Form) -> Fields:
        is_family = second.terms is not None and second.terms.parent_order_id != 0
        names = ("parent", "child") if is_family else ("limit", "stop")
        if form is Form.ACK:
            return {names[0]: _ids(first), names[1]: _ids(second)}
        views = (order_fields(order, self._catalog) for order in (first, second))
        body: Fields = dict(zip(names, views, strict=True))
        if is_family:  # An OCO pair always rests first: nothing of it can have traded or ended.
            self._add_course(body, result, first, form)
        return body

    def _add_course(self, body: Fields, result: CommandResult, order: Order, form: Form) -> None:
        body["reason"] = result.expiry_reason
        if form is Form.FULL:
            body["fills"] = fill_views(result, order, self._catalog) if result.fills else []


def _ids(order: Order) -> Fields:
    return {"order_id": order.order_id, "client_order_id": order.client_order_id}


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


def status_url(key: str, n: int = 0, fingerprint: bytes = b"") -> str:
    """Return where the answer to a command about orders can be asked for."""
    return url_of(STATUS_PATH, key, n, fingerprint)


def accepted(key: str, n: int, fingerprint: bytes) -> Told:
    """Return the 202 for a command that is journal entry `n`."""
    url = status_url(key, n, fingerprint)
    body: Fields = {"code": "ACCEPTED", "n": n, "idempotency_key": key, "status_url": url}
    return Told(202, body, key, url)


def _rejection(result: CommandResult, key: str, *, replayed: bool) -> ApiError:
    code = result.code or Reject.INVALID_COMMAND
    return ApiError(
        code.value,
        field=public_field(result.field),
        details={
            "n": result.n,
            "sequence": result.sequence,
            "replayed": replayed,
            "idempotency_key": key,
        },
    )
