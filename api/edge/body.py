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
from msgspec import Struct, inspect

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
        "price_tick",
        "quantity_lot",
        "price_step",
        "quantity_step",
        "min_quantity",
        "max_quantity",
        "min_notional",
        "reference_price",
    }
)
IDENTITY_FIELDS = frozenset({"user_id", "account_id", "user", "uid"})

_FORBIDDEN_TEXT = re.compile("[\x00\ud800-\udfff]")
# What msgspec says: where, which field, and of what kind the value is.
_PLACE = re.compile(r" - at `\$([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$([^`]*)`)?", re.DOTALL)
_QUOTED = re.compile(r"`([^`]*)`")
_NUMBER = re.compile(r"got `(?:int|float)`")


# By kind, of which there are few; None for those that only the strict reader may read.
_DECODERS: dict[type[Struct], msgspec.json.Decoder[Any] | None] = {}
_encode = msgspec.json.Encoder().encode
# A text stays one, and what is none does not become one.
_PLAIN = (
    inspect.StrType,
    inspect.IntType,
    inspect.BoolType,
    inspect.NoneType,
    inspect.EnumType,
    inspect.RawType,
)


async def read_body(request: Request, kind: type[T]) -> T:
    """Return the body as a `kind`; raises ApiError."""
    _check_headers(request)
    return read_struct(await request.body(), kind)


def read_struct(data: bytes, kind: type[T]) -> T:
    """Return the JSON object in `data` as a `kind`; raises ApiError."""
    value = exact(data, kind)
    return to_struct(parse_json(data), kind) if value is None else value


def exact(data: bytes, kind: type[T]) -> T | None:
    """Return the JSON object in `data` as a `kind` if it is right beyond doubt, else None: then the
    strict reader says what is wrong, or that nothing is.

    The decoder is fast, but of a key that is given twice it takes the last. So the value is written
    again, without what the defaults say: every key and text of it has two quotes, and was in the
    data. Where there is no backslash, no quote stands for itself, so if the data has no more of
    them, it has no other key. A kind that is written with what its defaults say could not be
    counted so, and is read strictly.
    """
    if b"\\" in data:
        return None
    if kind not in _DECODERS:  # Making one costs ten times a decoding.
        is_countable = _says_no_more(inspect.type_info(kind))
        _DECODERS[kind] = msgspec.json.Decoder(kind) if is_countable else None
    decoder: msgspec.json.Decoder[T] | None = _DECODERS[kind]
    if decoder is None:
        return None
    try:
        value = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if _encode(value).count(b'"') == data.count(b'"') else None


def _says_no_more(kind: inspect.Type, *, is_told_by_tag: bool = False) -> bool:
    """Return whether a value of this type is written with no quote that was not in the data."""
    match kind:
        case inspect.StructType(tag=tag, fields=fields, cls=cls):
            omits = cls.__struct_config__.omit_defaults
            return (tag is None or is_told_by_tag) and all(
                (field.required or (omits and field.default is not msgspec.NODEFAULT))
                and _says_no_more(field.type)
                for field in fields
            )
        case inspect.UnionType(types=types):
            structs = sum(isinstance(each, inspect.StructType) for each in types)
            return all(_says_no_more(each, is_told_by_tag=structs > 1) for each in types)
        case inspect.Metadata(type=inner):
            return _says_no_more(inner, is_told_by_tag=is_told_by_tag)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _says_no_more(item)
    return isinstance(kind, _PLAIN)


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
    """Return `value` as a `kind`; raises ApiError that names the field and the fix.

    A field of a part is named by its path: `limit.price`, `commands[3].price`.
    """
    assert kind.__struct_config__.forbid_unknown_fields, "a body is a closed struct"
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _as_api_error(str(error)) from error


def _as_api_error(reason: str) -> ApiError:
    """msgspec says what is wrong in one line of known forms; of the input only the name of an
    unknown field or an unknown word is in it, which may hold anything.
    """
    unknown = _UNKNOWN.fullmatch(reason)
    if unknown is not None:
        return _stranger(unknown.group(1), _path_of(unknown.group(2) or ""))
    place = _PLACE.search(reason)
    path = _path_of(place.group(1) if place else "")
    sentence = _PLACE.sub("", reason).replace("`", "")
    if sentence.startswith("Invalid value"):  # The value follows, whatever it is.
        sentence = "This value is not one of those that it can have"
    if "missing required field" in reason:
        name = _QUOTED.findall(reason)[0]
        return ApiError("MISSING_FIELD", f"The field {name} is missing.", field=_joined(path, name))
    name = path.rpartition(".")[2]
    if name in AMOUNT_FIELDS and _NUMBER.search(reason):
        example = f'Send amounts as strings, for example "{name}": "101.5".'
        return ApiError("AMOUNT_NOT_TEXT", example, field=path)
    return ApiError("INVALID_FIELD", f"{sentence}.", field=path)


def _stranger(name: str, path: str) -> ApiError:
    field = _joined(path, name)
    if name.lower() not in IDENTITY_FIELDS:
        return ApiError("UNKNOWN_FIELD", field=field)
    sentence = f"Leave {name} out: the account comes from the access token, never from the request."
    return ApiError("USER_ID_NOT_ALLOWED", sentence, field=field)


def _path_of(place: str) -> str:
    return place.removeprefix(".")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
