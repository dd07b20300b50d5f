"""Sending an operator's command, and telling what became of it.

The rule of this file: operators' commands go by the venue's own account, each under a key; the
words of every answer mean what they mean for an order. 202 will be done, once; 504 cannot say.
"""

import re

from fastapi import APIRouter, Request, Response

from api.admin.audit import ACCEPTED, Entry
from api.admin.market_rules import outer_name
from api.edge.answers import answer
from api.edge.docs import IDEMPOTENCY_KEY, describe, query
from api.edge.errors import ApiError
from api.edge.params import checked_idempotency_key, idempotency_key_of, integer, query_of, required
from api.gateway import Gateway
from api.orders.docs import OF_ENGINE
from api.orders.outcomes import final_answer
from api.paths import PREFIX
from shared.channels import result_field
from shared.messages import VENUE_ACCOUNT_ID, Command
from shared.outcomes import Accepted, Answered, Mismatch, Outcome
from shared.rest.operating import CommandDone
from shared.rest.orders import AcceptedBody
from shared.wire import CommandResult, decode

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
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


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
    url = f"{ADMIN}/commands?idempotency_key={key}" + (f"&n={n}" if n else "")
    return url + (f"&fp={fingerprint.hex()}" if fingerprint else "")


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
        given = query_of(request, "idempotency_key", "n", "fp")
        key = checked_idempotency_key(required(given, "idempotency_key"), "idempotency_key")
        n, fingerprint = integer(given, "n", 0), given.get("fp", "")
        if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
            raise ApiError("INVALID_PARAMETER", field="fp")
        keys = self._gateway.store.keys
        _, (position, row) = await self._gateway.store.read(
            ("HGET", keys.meta, "position"),
            ("HGET", keys.results, result_field(VENUE_ACCOUNT_ID, key)),
        )
        result = decode(row, CommandResult) if row else None
        if n > int(position or 0) and (result is None or result.n != n):
            return accepted_answer(Accepted(n, bytes.fromhex(fingerprint)), key)
        if result is None:
            raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
        outcome: Outcome = Answered(result.n, result, replayed=True)
        if fingerprint and result.n != n and result.fingerprint.hex() != fingerprint:
            outcome = Mismatch(result.n)
        return answer(done_fields(done_or_error(outcome, key), key))


def command_routes(gateway: Gateway) -> APIRouter:
    """Return the route /admin/commands."""
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    extra = describe(
        answers={200: CommandDone, 202: AcceptedBody},
        parameters=(
            query("idempotency_key", "The key of the request.", required=True),
            query("n", "Its journal number, if known.", kind="integer"),
            query("fp", "Its fingerprint, as a status_url has it."),
        ),
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
