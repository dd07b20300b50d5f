"""Sending an operator's command, and telling what became of it.

The rule of this file: operators' commands go by the venue's own account, each under a key; the
words of every answer mean what they mean for an order. 202 will be done, once; 504 cannot say.
"""

from fastapi import APIRouter, Request, Response

from api.admin.audit import ACCEPTED, Entry
from api.admin.market_rules import outer_name
from api.edge.answers import answer
from api.edge.docs import BY_KEY, IDEMPOTENCY_KEY, describe
from api.edge.errors import ApiError
from api.edge.params import idempotency_key_of, query_of
from api.gateway import Gateway
from api.orders.docs import OF_ENGINE
from api.orders.outcomes import final_answer
from api.paths import PREFIX
from api.reads import stored
from shared.messages import VENUE_ACCOUNT_ID, Command
from shared.outcomes import Accepted, Answered, Outcome
from shared.rest.operating import CommandDone
from shared.rest.orders import AcceptedBody

ADMIN = f"{PREFIX}/admin"
RESERVED_PREFIXES = ("payout:", "all:")  # Keys that are made of something else.
ERRORS = (
    "FORBIDDEN",
    "INVALID_REASON",
    "INVALID_IDEMPOTENCY_KEY",
    "IDEMPOTENCY_MISMATCH",
    "INVALID_COMMAND",
    "COMMAND_SKIPPED",
    "AUDIT_UNAVAILABLE",
    *OF_ENGINE,
)
AMOUNT_ERRORS = (
    "AMOUNT_NOT_TEXT",
    "INVALID_DECIMAL",
    "TOO_MANY_DECIMALS",
    "AMOUNT_LIMIT",
    "INVALID_AMOUNT",
)
OF_VENUE = (  # What the engine says no by to any command of an operator.
    "UNKNOWN_ASSET",
    "UNKNOWN_MARKET",
    "ASSET_EXISTS",
    "MARKET_EXISTS",
    "INVALID_ASSET",
    "INVALID_MARKET",
    "INVALID_ACCOUNT",
    "INVALID_AMOUNT",
    "AMOUNT_LIMIT",
    "INSUFFICIENT_FUNDS",
    "INVALID_COMMAND",
    "COMMAND_SKIPPED",
)
KEYED = (IDEMPOTENCY_KEY,)


def operator_key_of(request: Request) -> str:
    """Return the request's Idempotency-Key, or a new one; raises ApiError."""
    key = idempotency_key_of(request)
    if key.startswith(RESERVED_PREFIXES):
        sentence = f"Keys that begin with {' or '.join(RESERVED_PREFIXES)} are made here."
        raise ApiError("INVALID_IDEMPOTENCY_KEY", sentence, field="Idempotency-Key")
    return key


async def carry_out(gateway: Gateway, command: Command, entry: Entry) -> Answered | Accepted:
    """Send the command and return that it is done, or will be; raises ApiError for all else."""
    assert command.account_id == VENUE_ACCOUNT_ID, "an operator's command is the venue's"
    outcome = await gateway.bus.submit(command)
    if isinstance(outcome, Accepted):
        entry.outcome = ACCEPTED
        return outcome
    return done_or_error(outcome, command.idempotency_key)


def done_or_error(outcome: Outcome, key: str) -> Answered:
    """Return the answer if the command was carried out; raises ApiError for everything else."""
    try:
        return final_answer(outcome, key)
    except ApiError as error:
        details = dict(error.details)
        if "status_url" in details:
            details["status_url"] = status_url(key)
        raise ApiError(
            error.code,
            error.message,
            field=outer_name(error.field),
            retry_after_s=error.retry_after_s,
            details=details,
        ) from None


def done_fields(answered: Answered, key: str) -> dict[str, object]:
    """Return the fields of a CommandDone."""
    result = answered.result
    return {
        "n": result.n,
        "sequence": result.sequence,
        "replayed": answered.replayed,
        "idempotency_key": key,
    }


def status_url(key: str, n: int = 0, fingerprint: bytes = b"") -> str:
    """Return where the answer to an operator's command can be asked for."""
    return stored.url_of(f"{ADMIN}/commands", key, n, fingerprint)


def accepted_answer(outcome: Accepted, key: str) -> Response:
    """Return the 202 for a command that will be carried out, once."""
    url = status_url(key, outcome.n, outcome.fingerprint)
    body = {"code": "ACCEPTED", "n": outcome.n, "idempotency_key": key, "status_url": url}
    return answer(body, 202, {"Idempotency-Key": key, "Location": url})


class Commands:
    """The handler."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def status(self, request: Request) -> Response:
        """Ask what became of an operator's request, by its key."""
        await self._gateway.callers.operator(request)
        asked = stored.asked_in(query_of(request, *stored.PARAMETERS))
        outcome = await stored.stored_outcome(self._gateway.store, VENUE_ACCOUNT_ID, asked)
        if isinstance(outcome, Accepted):
            return accepted_answer(outcome, asked.key)
        return answer(done_fields(done_or_error(outcome, asked.key), asked.key))


def command_routes(gateway: Gateway) -> APIRouter:
    """Return the route /admin/commands."""
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    extra = describe(
        answers={200: CommandDone, 202: AcceptedBody},
        parameters=BY_KEY,
        errors=(
            "FORBIDDEN",
            "UNKNOWN_IDEMPOTENCY_KEY",
            "INVALID_IDEMPOTENCY_KEY",
            "INVALID_PARAMETER",
            "MISSING_FIELD",
            "IDEMPOTENCY_MISMATCH",
            "REDIS_UNAVAILABLE",
            *OF_VENUE,
        ),
    )
    router.add_api_route(
        "/commands", Commands(gateway).status, methods=["GET"], openapi_extra=extra
    )
    return router
