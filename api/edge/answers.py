"""From answers to bytes: every response of the gateway is made here.

The rule of this file: JSON by msgspec, and each answer carries the request's id.
"""

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.edge.errors import ApiError
from shared.logs import get_logger

_log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode

_CODE_OF_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return encoded_answer(encoded(body), status, headers)


def encoded(body: object) -> bytes:
    """Return a body as it is sent."""
    # The line's end is for people with curl: the next prompt stands on a line of its own.
    return _encode(body) + b"\n"


def encoded_answer(
    body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return the response with a body that is encoded already."""
    return Response(body, status, headers, "application/json")


def request_id_of(request: Request) -> str:
    """Return the id that the door gave this request; it is in the log and in the answer."""
    request_id: str = request.scope["request_id"]
    return request_id


def error_answer(error: ApiError, request_id: str) -> Response:
    return answer(error_body(error, request_id), error.status, _headers(error))


def error_body(error: ApiError, request_id: str) -> dict[str, object]:
    """Return the ErrorBody, which an answer to several requests has for each."""
    return {
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "request_id": request_id,
        **error.details,
    }


def _headers(error: ApiError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.retry_after_s:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status in (408, 413):
        headers["Connection"] = "close"  # The rest of that body is not read.
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def install_error_handlers(app: FastAPI) -> None:
    """Make every failure of `app` answer with an ErrorBody, the ones of the frameworks too."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, answer_to_bug)


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "registered for this kind only"
    return error_answer(error, request_id_of(request))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for this kind only"
    code = _CODE_OF_STATUS.get(error.status_code, "BAD_REQUEST")
    response = await _on_api_error(request, ApiError(code))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _on_validation_error(request: Request, _error: Exception) -> Response:
    return await _on_api_error(request, ApiError("INVALID_PARAMETER"))


async def answer_to_bug(request: Request, error: Exception) -> Response:
    """Note an error that nobody foresaw, and return what its client is told."""
    _log.error("request_failed", request_id=request_id_of(request), exc_info=error)
    return await _on_api_error(request, ApiError("INTERNAL_ERROR"))
