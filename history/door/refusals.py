"""How the door says no: a code, the status that it has at the gateway too, and a sentence.

The rule of this file: the gateway passes an answer on as it is, so its codes and statuses are the
gateway's. A 503 means that the history is away for a moment, and that nothing is wrong with what
was asked.
"""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from history.queries.standing import NotYetError, UnavailableError
from shared.rest.errors import ErrorBody
from shared.rest.history_queries import QueryFault

RETRY_AFTER_S = 1
UNAVAILABLE, BUSY = "HISTORY_UNAVAILABLE", "BUSY"
JSON_TYPE = "application/json"

STATUSES: Mapping[str, int] = {
    "FORBIDDEN": 403,
    "UNKNOWN_PARAMETER": 422,
    "INVALID_PARAMETER": 422,
    "MISSING_FIELD": 422,
    "UNKNOWN_MARKET": 404,
    "UNKNOWN_ASSET": 404,
    "UNKNOWN_ORDER": 404,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "SEQUENCE_NOT_REACHED": 409,
    "INTERNAL_ERROR": 500,
    UNAVAILABLE: 503,
    BUSY: 503,
}
_AGAIN = ("SEQUENCE_NOT_REACHED", UNAVAILABLE, BUSY)


def encoded(body: object) -> bytes:
    """Return a body as it is sent, here and by the gateway, which passes it on."""
    # The line's end is for people with curl: the next prompt stands on a line of its own.
    return msgspec.json.encode(body) + b"\n"


def refusal(code: str, sentence: str, field: str = "") -> Response:
    """Return the answer that says no."""
    body = encoded(ErrorBody(code, sentence, field, ""))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if code in _AGAIN else {}
    return Response(body, STATUSES[code], headers, JSON_TYPE)


def refusal_of(error: QueryFault | NotYetError | UnavailableError) -> Response:
    """Return the answer that says what a question has failed of."""
    if isinstance(error, QueryFault):
        return refusal(error.code, error.sentence, error.field)
    if isinstance(error, NotYetError):
        sentence = "The state has not reached min_sequence yet; try again."
        return refusal("SEQUENCE_NOT_REACHED", sentence, "min_sequence")
    return unavailable()


def unavailable(sentence: str = "The history cannot be read just now; try again.") -> Response:
    return refusal(UNAVAILABLE, sentence)


def busy(sentence: str) -> Response:
    return refusal(BUSY, sentence)
