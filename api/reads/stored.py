"""The stored answer to a command: where it is asked for, and what is found there.

The rule of this file: under a key there may be the answer to another request. Who knows the number
or the fingerprint of theirs is never told that one.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from api.edge.errors import ApiError
from api.edge.params import checked_idempotency_key, integer, required
from api.reads.store import Store
from shared.channels import result_field
from shared.outcomes import Accepted, Answered, Mismatch
from shared.wire import CommandResult, decode

PARAMETERS = ("idempotency_key", "n", "fp")

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class Question(NamedTuple):
    """Which command; `n` 0 and `fingerprint` "" (else hex) are not known to who asks."""

    key: str
    n: int
    fingerprint: str


def asked_in(given: Mapping[str, str]) -> Question:
    """Return what the query's PARAMETERS ask for; raises ApiError."""
    key = checked_idempotency_key(required(given, "idempotency_key"), "idempotency_key")
    n, fingerprint = integer(given, "n", 0), given.get("fp", "")
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        raise ApiError("INVALID_PARAMETER", field="fp")
    return Question(key, n, fingerprint)


def url_of(path: str, key: str, n: int = 0, fingerprint: bytes = b"") -> str:
    """Return where the answer to a command can be asked for, now and within the window."""
    url = f"{path}?idempotency_key={key}" + (f"&n={n}" if n else "")
    return url + (f"&fp={fingerprint.hex()}" if fingerprint else "")


async def stored_outcome(
    store: Store, account_id: int, asked: Question
) -> Answered | Accepted | Mismatch:
    """Return the outcome of an account's command; Accepted if it is not carried out yet.

    Raises ApiError UNKNOWN_IDEMPOTENCY_KEY, REDIS_UNAVAILABLE.
    """
    _, (position, row) = await store.read(
        ("HGET", store.keys.meta, "position"),
        ("HGET", store.keys.results, result_field(account_id, asked.key)),
    )
    result = decode(row, CommandResult) if row else None
    is_own = result is not None and result.n == asked.n
    if asked.n > int(position or 0) and not is_own:
        return Accepted(asked.n, bytes.fromhex(asked.fingerprint))
    if result is None:
        raise ApiError("UNKNOWN_IDEMPOTENCY_KEY", field="idempotency_key")
    if asked.fingerprint and not is_own and result.fingerprint.hex() != asked.fingerprint:
        return Mismatch(result.n)
    return Answered(result.n, result, replayed=True)
