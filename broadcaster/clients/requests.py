"""Reading what a client sends.

The rule of this file: a text frame becomes one `Op` and the id to answer with, or a `BadRequest`.
The short form {"SubscribeOrderbook": "TATA_INR"} is turned into the op it stands for here and
nowhere else.
"""

import re
from typing import Any

import msgspec

from shared.feed import ID_LENGTH_MAX, Op, OpId

DEPTH_FORMS = {"SubscribeOrderbook": "subscribe", "UnsubscribeOrderbook": "unsubscribe"}
OPS = ("subscribe", "unsubscribe", "list", "auth", "ping")
ECHO_LENGTH_MAX = 64  # An error repeats at most this much of what was sent.
COMPLAINT_LENGTH_MAX = 160

_PLACE = re.compile(r"`\$\.?([^`]+)`$")
_NAMED = re.compile(r"Object (?:missing required|contains unknown) field `(.*?)`")


class BadRequest(Exception):
    """A message that has no effect; `code` is stable, the text is for people."""

    def __init__(self, code: str, sentence: str, field: str = "", request_id: OpId = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field
        self.request_id = request_id


def parse_request(message: str | bytes) -> tuple[OpId, Op]:
    """Return the id to answer with and what is asked for; raises BadRequest."""
    fields = _parse_object(message)
    request_id = _parse_id(fields)
    fields = _spelled_out(fields, request_id)
    op_name = fields.get("op")
    if op_name not in OPS:
        ops = ", ".join(OPS)
        raise BadRequest("UNKNOWN_OP", f'The "op" is one of {ops}.', "op", request_id)
    try:
        return request_id, msgspec.convert(fields, Op)
    except msgspec.ValidationError as error:
        sentence = (
            f"The {op_name} message is not right: {shorten(str(error), COMPLAINT_LENGTH_MAX)}."
        )
        raise BadRequest("INVALID_FIELD", sentence, _path(str(error)), request_id) from error


def shorten(text: str, length_max: int = ECHO_LENGTH_MAX) -> str:
    """Return at most so many characters of what a client wrote."""
    return text if len(text) <= length_max else text[: length_max - 3] + "..."


def _path(complaint: str) -> str:
    # A complaint names where it is at its end, and what is missing or unknown there before that.
    place = _PLACE.search(complaint)
    named = _NAMED.match(complaint)
    parts = [place[1] if place else "", named[1] if named else ""]
    return shorten(".".join(part for part in parts if part))


def _parse_object(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise BadRequest("BAD_MESSAGE", "Send JSON in text frames, not binary ones.")
    try:
        fields = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest("BAD_MESSAGE", "The message is not valid JSON.") from error
    if not isinstance(fields, dict):
        sentence = 'Send one JSON object, for example {"op":"subscribe","channels":["..."]}.'
        raise BadRequest("BAD_MESSAGE", sentence)
    return fields


def _spelled_out(fields: dict[str, Any], request_id: OpId) -> dict[str, Any]:
    for short, op in DEPTH_FORMS.items():
        if short in fields:
            market = fields[short]
            if not isinstance(market, str):
                raise BadRequest("INVALID_FIELD", f"{short} names a market.", short, request_id)
            return {"op": op, "channels": [f"depth:{market}"], "id": request_id}
    return fields


def _parse_id(fields: dict[str, Any]) -> OpId:
    request_id = fields.get("id")
    if request_id is None or isinstance(request_id, bool | float):
        return request_id
    if isinstance(request_id, int) and -(2**63) <= request_id < 2**64:
        return request_id
    if isinstance(request_id, str) and len(request_id) <= ID_LENGTH_MAX:
        return request_id
    raise BadRequest("INVALID_FIELD", f"An id is a scalar of at most {ID_LENGTH_MAX}.", "id")
