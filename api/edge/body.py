"""The strict reader of request bodies: what is not exactly right is refused, with the fix.

The rule of this file: no number becomes an amount, no key counts twice, nothing is guessed. Bodies
are read as JSON, checked, and converted to a closed msgspec Struct; nobody else parses a body.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from msgspec import Struct

from api.edge.errors import ApiError

T = TypeVar("T", bound=Struct)

AMOUNT_FIELDS = frozenset(
    {
        "price",
        "quantity",
        "quote_quantity",
        "amount",
        "stop_price",
        "trail",
        "display_quantity",
    }
)
IDENTITY_FIELDS = frozenset({"user_id", "account_id", "user", "uid"})

_FORBIDDEN_TEXT = re.compile("[\x00\ud800-\udfff]")
_PATH = re.compile(r" - at `\$\.([^`]+)`")
_QUOTED = re.compile(r"`([^`]*)`")


async def read_body(request: Request, kind: type[T]) -> T:
    """Return the body as a `kind`; raises ApiError."""
    _check_headers(request)
    return to_struct(parse_json(await request.body()), kind)


async def read_optional_body(request: Request, kind: type[T]) -> T | None:
    """Return the body as a `kind`, or None when there is none, whatever its type would be."""
    return await read_body(request, kind) if await request.body() else None


def _check_headers(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ApiError("UNSUPPORTED_ENCODING")
    content_type, _, parameter = request.headers.get("content-type", "").partition(";")
    charset = parameter.strip().lower().replace('"', "")
    if content_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise ApiError("UNSUPPORTED_MEDIA_TYPE")


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the JSON object in `data`; raises ApiError for anything else or doubtful."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("INVALID_JSON") from error
    if not isinstance(value, dict):
        raise ApiError("INVALID_JSON", "The body must be a JSON object.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ApiError("DUPLICATE_FIELD", field=_first_repeated(name for name, _ in pairs))
    for name, item in pairs:
        if isinstance(item, str) and _FORBIDDEN_TEXT.search(item):
            raise ApiError("INVALID_TEXT", field=name)
    return value


def _first_repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _refuse_constant(name: str) -> None:
    raise ApiError("INVALID_JSON", f"{name} is not a JSON value.")


def to_struct(value: dict[str, Any], kind: type[T]) -> T:
    """Return `value` as a `kind`; raises ApiError that names the field and the fix."""
    for name in kind.__struct_fields__:
        if name in AMOUNT_FIELDS and _is_number(value.get(name)):
            raise ApiError(
                "AMOUNT_NOT_TEXT",
                f'Send amounts as strings, for example "{name}": "101.5".',
                field=name,
            )
    for name in value:
        if name not in kind.__struct_fields__:
            raise _stranger(name)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _as_api_error(str(error)) from error


def _stranger(name: str) -> ApiError:
    if name.lower() not in IDENTITY_FIELDS:
        return ApiError("UNKNOWN_FIELD", field=name)
    sentence = f"Leave {name} out: the account comes from the access token, never from the request."
    return ApiError("USER_ID_NOT_ALLOWED", sentence, field=name)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_api_error(reason: str) -> ApiError:
    """msgspec says what is wrong in one line of known forms; nothing of the input is in it."""
    if "missing required field" in reason:
        names = _QUOTED.findall(reason)
        return ApiError("MISSING_FIELD", f"The field {names[0]} is missing.", field=names[0])
    path = _PATH.search(reason)
    sentence = _PATH.sub("", reason).replace("`", "")
    return ApiError("INVALID_FIELD", f"{sentence}.", field=path.group(1) if path else "")
