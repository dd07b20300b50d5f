"""The OpenAPI document: what `/docs` shows, made from the very structs that the handlers use.

The rule of this file: handlers read and write bytes themselves, so what they take and give is
written down beside each route with `describe`, and the schemas come from the types.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.edge.errors import ERRORS
from api.edge.examples import NoExampleError, error_example, example_of
from shared.rest.errors import ErrorBody
from shared.signing import KEY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER

_REF = "#/components/schemas/{name}"
_SCHEMAS = "x-schemas"  # Those that an operation speaks of, on their way to the components.
_EXAMPLES = "x-examples"  # Likewise, as JSON.
_BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
_KEY_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": KEY_HEADER,
    "description": f"Together with {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}, as docs/PROTOCOL.md "
    "says.",
}
_KEY_CODES = (
    "SIGNATURE_MISSING",
    "INVALID_KEY",
    "TIMESTAMP_OUT_OF_WINDOW",
    "ADDRESS_NOT_ALLOWED",
    "FORBIDDEN",
    "INVALID_IDEMPOTENCY_KEY",
    "TOO_MANY_ATTEMPTS",
    "USERS_UNAVAILABLE",
)
_ERROR_REF = {"$ref": "#/components/schemas/ErrorBody"}

ABOUT = """Amounts are decimal text, never JSON numbers.
Every error is `{code, message, field, request_id}`.
Every address answers with and without a trailing slash; `/login`, `/order`, `/depth`, `/trades`,
`/klines`, `/tickers`, `/balances`, `/markets` and `/time` are short for those under `/api/v1`."""

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own key, at most 64 of `A-Z a-z 0-9 _ . : -`. The same request under the "
    "same key has one effect and one answer. Without one, the answer names the one made for it.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
}
MIN_SEQUENCE = {
    "name": "min_sequence",
    "in": "query",
    "required": False,
    "description": "Answer from a state that is not older than this sequence.",
    "schema": {"type": "integer", "minimum": 0},
}


def query(
    name: str, about: str, *, required: bool = False, kind: str = "string", **schema: object
) -> dict[str, object]:
    """Return the description of a query parameter."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": about,
        "schema": {"type": kind, **schema},
    }


BY_KEY = (  # As api.reads.stored reads them.
    query("idempotency_key", "The key of the request.", required=True),
    query("n", "Its journal number, if known.", kind="integer"),
    query("fp", "Its fingerprint, as a status_url has it."),
)


def describe(
    *,
    answers: Mapping[int, object],
    errors: tuple[str, ...] = (),
    body: type | None = None,
    body_required: bool = True,
    parameters: tuple[dict[str, object], ...] = (),
    secured: bool = True,
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route.

    `answers` has for each status a struct, or a tuple of those that it may be.
    """
    responses: dict[str, object] = {}
    for status, kind in answers.items():
        responses[str(status)] = {"description": "Done.", "content": _content(kind)}
    codes: dict[int, list[str]] = {}
    general = (
        *_ALWAYS,
        *(_OF_BODY if body else ()),
        *(_OF_QUERY if parameters else ()),
        *(_OF_IDEMPOTENCY if _names_a_key(parameters) else ()),
        *(_OF_TOKEN if secured else ()),
    )
    for code in dict.fromkeys((*errors, *general)):
        codes.setdefault(ERRORS[code].status, []).append(code)
    for status in sorted(codes):
        responses[str(status)] = {
            "description": ", ".join(codes[status]),
            "content": _json(_ERROR_REF, {code: error_example(code) for code in codes[status]}),
        }
    kinds = [kind for answer in answers.values() for kind in _kinds(answer)]
    types = [kind for kind in (*kinds, body, ErrorBody) if isinstance(kind, type)]
    extra: dict[str, Any] = {
        "responses": responses,
        "parameters": list(parameters),
        _SCHEMAS: msgspec.json.schema_components(types, ref_template=_REF)[1],
    }
    if body is not None:
        extra["requestBody"] = {"required": body_required, "content": _content(body)}
    if secured:
        extra["security"] = _BEARER
    return extra


_OF_BODY = (
    "INVALID_JSON",
    "DUPLICATE_FIELD",
    "UNKNOWN_FIELD",
    "MISSING_FIELD",
    "INVALID_FIELD",
    "AMOUNT_NOT_TEXT",
    "USER_ID_NOT_ALLOWED",
    "INVALID_TEXT",
    "BODY_TOO_LARGE",
    "BODY_TIMEOUT",
    "UNSUPPORTED_MEDIA_TYPE",
    "UNSUPPORTED_ENCODING",
)
_OF_IDEMPOTENCY = ("INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_MISMATCH", "COMMAND_SKIPPED")
_OF_QUERY = ("MISSING_FIELD", "INVALID_FIELD", "INVALID_PARAMETER")
_OF_TOKEN = (
    "TOKEN_MISSING",
    "TWO_CREDENTIALS",
    "INVALID_TOKEN",
    "TOKEN_EXPIRED",
    "SESSION_REVOKED",
    "FORBIDDEN",
)
_ALWAYS = (
    "UNKNOWN_PARAMETER",
    "BAD_REQUEST",
    "TOO_MANY_REQUESTS",
    "BANNED",
    "BUSY",
    "INTERNAL_ERROR",
)


def _names_a_key(parameters: tuple[dict[str, object], ...]) -> bool:
    return any("idempotency" in str(parameter["name"]).lower() for parameter in parameters)


def _content(answer: object) -> dict[str, object]:
    kinds = _kinds(answer)
    schemas = [_schema(kind) for kind in kinds]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    types = [kind for kind in kinds if isinstance(kind, type)]
    try:
        return _json(schema, {kind.__name__: {"value": example_of(kind)} for kind in types})
    except NoExampleError:  # A gap in the document, which a test finds, is no reason not to start.
        return _json(schema)


def _kinds(answer: object) -> tuple[object, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _json(schema: object, examples: Mapping[str, object] | None = None) -> dict[str, object]:
    # As text, because FastAPI takes every null out of a document that it makes.
    media = {_EXAMPLES: json.dumps(examples)} if examples else {}
    return {"application/json": {"schema": schema, **media}}


def _schema(kind: object) -> object:
    if isinstance(kind, dict):
        return kind
    if isinstance(kind, tuple):
        return {"anyOf": [_schema(part) for part in kind]}
    return msgspec.json.schema_components([kind], ref_template=_REF)[0][0]


def install_openapi(app: FastAPI, *, by_key: bool = False) -> None:
    """Make `app` serve a document of all its routes and the structs that they speak of.

    `by_key` says that what a token opens, a signed request may open, too.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=ABOUT, routes=app.routes
            )
            components = document.setdefault("components", {})
            components["schemas"] = _take_schemas(document)
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
            _drop_defaults(document)
            _place_examples(document)
            if by_key:
                components["securitySchemes"]["key"] = _KEY_SCHEME
                _offer_keys(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _take_schemas(document: dict[str, Any]) -> dict[str, object]:
    """Take the schemas out of the operations: they are named once, for all of them."""
    schemas: dict[str, object] = {}
    for path in document["paths"].values():
        for operation in path.values():
            schemas |= operation.pop(_SCHEMAS, {})
    return dict(sorted(schemas.items()))


def _offer_keys(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            if operation.get("security"):
                operation["security"] = [*_BEARER, {"key": []}]
                for code in _KEY_CODES:
                    _add_code(operation["responses"], code)


def _add_code(responses: dict[str, Any], code: str) -> None:
    empty = {"application/json": {"schema": _ERROR_REF, "examples": {}}}
    known = responses.setdefault(str(ERRORS[code].status), {"description": "", "content": empty})
    examples = known["content"]["application/json"]["examples"]
    if code not in examples:
        examples[code] = error_example(code)
        known["description"] = ", ".join(examples)


def _drop_defaults(document: dict[str, Any]) -> None:
    """FastAPI adds a 200 that some routes never give; only what was described stays."""
    nothing: dict[str, object] = {"application/json": {"schema": {}}}
    for item in document["paths"].values():
        for operation in item.values():
            if operation["responses"].get("200", {}).get("content") == nothing:
                del operation["responses"]["200"]


def _place_examples(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            parts = (*operation["responses"].values(), operation.get("requestBody", {}))
            for media in (kind for part in parts for kind in part.get("content", {}).values()):
                if _EXAMPLES in media:
                    media["examples"] = json.loads(media.pop(_EXAMPLES))
