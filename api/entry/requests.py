"""What a frame of a client means. Pure.

The rule of this file: a request is `{op, id, idempotency_key, body}`, and its body is that of the
REST route of the same name, read as strictly. A frame that is none is a `Mistake`, which still
names the id when there is one to name.
"""

import secrets
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Raw, Struct

from api.edge.body import exact, parse_json, to_struct
from api.edge.errors import ApiError
from api.edge.params import checked_idempotency_key
from api.entry.limits import ID_LENGTH_MAX, MESSAGE_SIZE_MAX
from shared.rest.entry import CancelAllBody
from shared.rest.orders import (
    AmendOrderBody,
    BatchBody,
    CancelOrderBody,
    CancelTimerBody,
    PlaceOcoBody,
    PlaceOrderBody,
    PlaceOtoBody,
)

RequestId = int | str
AUTH, PING, PLACE, TEST = "auth", "ping", "place", "test"
BODIES: dict[str, type[Struct]] = {
    PLACE: PlaceOrderBody,
    TEST: PlaceOrderBody,
    "place_oco": PlaceOcoBody,
    "place_oto": PlaceOtoBody,
    "cancel": CancelOrderBody,
    "amend": AmendOrderBody,
    "cancel_all": CancelAllBody,
    "cancel_timer": CancelTimerBody,
    "batch": BatchBody,
}
LARGE_OPS = frozenset({"batch"})
OPS = (AUTH, PING, *BODIES)

_NO_BODY = Raw(b"{}")


class Request(NamedTuple):
    """What is asked, of whom comes later."""

    op: str
    id: RequestId | None
    key: str = ""
    body: Struct | None = None
    token: str = ""


class Mistake(Exception):
    """A frame that asks for nothing; `error` is what its sender is told."""

    def __init__(self, request_id: RequestId | None, error: ApiError) -> None:
        super().__init__(error.code)
        self.id = request_id
        self.error = error


class _Frame(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    op: str
    id: int | Annotated[str, Meta(max_length=ID_LENGTH_MAX)] | None = None
    idempotency_key: str | None = None
    token: str | None = None
    body: Raw = _NO_BODY


def read_request(payload: bytes) -> Request:
    """Return what a text message asks for; raises Mistake."""
    fields = None  # Of the body, when it has been parsed already.
    frame = exact(payload, _Frame)
    if frame is None:
        frame, fields = _read_slowly(payload)
    try:
        kind = BODIES.get(frame.op)
        if kind is None:
            return _without_body(frame, has_body=fields is not None)
        if len(payload) > MESSAGE_SIZE_MAX and frame.op not in LARGE_OPS:
            raise ApiError("BODY_TOO_LARGE")
        _refuse(frame.token, "token")
        data = bytes(frame.body)
        body = exact(data, kind) if fields is None else None
        if body is None:
            body = to_struct(parse_json(data) if fields is None else _object(fields), kind)
        return Request(frame.op, frame.id, _key_of(frame), body)
    except ApiError as error:
        raise Mistake(frame.id, error) from None


def _without_body(frame: _Frame, *, has_body: bool) -> Request:
    if frame.op not in OPS:
        raise ApiError("UNKNOWN_OP", f"The op is one of {', '.join(OPS)}.", field="op")
    _refuse(frame.idempotency_key, "idempotency_key")
    if has_body or frame.body is not _NO_BODY:
        raise ApiError("UNKNOWN_FIELD", field="body")
    if frame.op == PING:
        _refuse(frame.token, "token")
    elif frame.token is None:
        raise ApiError("TOKEN_MISSING", 'Send {"op": "auth", "token": "..."}.', field="token")
    return Request(frame.op, frame.id, token=frame.token or "")


def _read_slowly(payload: bytes) -> tuple[_Frame, object]:
    """Return the frame and what is in its body; raises Mistake that says what is wrong."""
    request_id: RequestId | None = None
    try:
        fields = parse_json(payload)
        request_id = _id_of(fields.get("id"))
        # It stays as it was parsed: written as JSON anew, a number could become another one.
        body = fields.pop("body", None)
        return to_struct(fields, _Frame), body
    except ApiError as error:
        raise Mistake(request_id, error) from None


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiError("INVALID_FIELD", "The body is a JSON object.", field="body")
    return body


def _id_of(value: object) -> RequestId | None:
    is_id = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64
    if is_id or (isinstance(value, str) and len(value) <= ID_LENGTH_MAX):
        assert isinstance(value, int | str), "it was looked at above"
        return value
    return None


def _key_of(frame: _Frame) -> str:
    if frame.idempotency_key is None:
        return secrets.token_hex(16)
    return checked_idempotency_key(frame.idempotency_key, "idempotency_key")


def _refuse(value: object, name: str) -> None:
    if value is not None:
        raise ApiError("UNKNOWN_FIELD", field=name)
