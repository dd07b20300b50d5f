"""What the history has answered, looked at before a client sees it. Pure.

The rule of this file: an answer is passed on as it is, or not at all; a header of ours is made of
what fits a pattern, never of what came.
"""

import re
from types import MappingProxyType

import httpx
import msgspec
from msgspec import Struct

from api.edge.errors import ECHO_LENGTH_MAX, ERRORS, ApiError
from shared.rest.errors import ErrorBody

ANSWER_SIZE_MAX = 4_194_304  # A page of 1,000 rows is half a megabyte.
SENTENCE_LENGTH_MAX = 256
CSV_TYPE = "text/csv; charset=utf-8"

# What it may say of a query that was read here already; all else is a fault of its own.
SAYS = frozenset(
    (
        "UNKNOWN_MARKET",
        "UNKNOWN_ASSET",
        "UNKNOWN_ORDER",
        "INVALID_PARAMETER",
        "SEQUENCE_NOT_REACHED",
        "HISTORY_UNAVAILABLE",
        "BUSY",
    )
)

_FILE = re.compile(r'attachment; filename="[A-Za-z0-9_.-]{1,128}"')
_COUNT = re.compile(r"[0-9]{1,18}")
_PASSED = MappingProxyType({"Content-Disposition": _FILE, "X-Total-Rows": _COUNT})


class NonsenseError(Exception):
    """What came is none of the history's answers; the message says why."""


class _Standing(Struct):
    """What every answer has. Reading it reads all of the JSON, and keeps nothing."""

    sequence: int
    at_ns: int
    account_id: int | None = None


def json_size(response: httpx.Response) -> int:
    """Return how large an answer says it is, 0 where it does not; raises NonsenseError."""
    if "content-encoding" in response.headers:
        raise NonsenseError("the answer is encoded")
    size = response.headers.get("content-length", "0")
    if not _COUNT.fullmatch(size):
        raise NonsenseError("the answer has no proper length")
    return int(size)


def check_answer(response: httpx.Response, body: bytes, account_id: int) -> None:
    """Raise NonsenseError unless this is an answer, and not one about somebody else."""
    if _type_of(response) != "application/json":
        raise NonsenseError("the answer is no JSON")
    try:
        standing = msgspec.json.decode(body, type=_Standing)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NonsenseError(str(error)) from error
    if standing.account_id is not None and standing.account_id != account_id:
        raise NonsenseError("the answer is about another account")


def refusal_in(response: httpx.Response, body: bytes) -> ApiError:
    """Return what an answer that is no success says; raises NonsenseError."""
    try:
        said = msgspec.json.decode(body, type=ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NonsenseError(f"HTTP {response.status_code}, and no reason") from error
    code = said.code[:ECHO_LENGTH_MAX]
    if code not in SAYS or ERRORS[code].status != response.status_code:
        raise NonsenseError(f"HTTP {response.status_code} with {code!r}")
    is_sentence = said.message.isprintable() and len(said.message) <= SENTENCE_LENGTH_MAX
    return ApiError(code, said.message if is_sentence else "", field=said.field)


def csv_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Return what is said of a CSV; raises NonsenseError."""
    if _type_of(response) != "text/csv" or "content-encoding" in response.headers:
        raise NonsenseError("the answer is no CSV")
    headers = [(b"content-type", CSV_TYPE.encode())]
    for name, pattern in _PASSED.items():
        value = response.headers.get(name, "")
        if not pattern.fullmatch(value):
            raise NonsenseError(f"the CSV has no proper {name}")
        headers.append((name.lower().encode(), value.encode()))
    return headers


def _type_of(response: httpx.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()
