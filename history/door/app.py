"""The addresses of the door: the history's routes below /v1, and those for machines that watch.

The rule of this file: it answers the gateway alone, which shows its key, and decides nothing; whose
rows may be seen is the gateway's business, and what is well is the recorder's.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from history.door.answering import Answering
from history.door.refusals import JSON_TYPE, refusal
from history.queries.queries import Queries
from shared.history_key import HEADER
from shared.logs import get_logger
from shared.rest.history_queries import ROUTES

PREFIX = "/v1"
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not answer to that method.",
}

_log = get_logger(__name__)
_Answer = Callable[[Request], Awaitable[Response]]


class Watched(NamedTuple):
    """What machines that watch are told, asked anew each time.

    `health` and `ready` say whether it is well, and more in words and numbers; `metrics` is the
    text that Prometheus reads.
    """

    health: Callable[[], tuple[bool, Mapping[str, object]]]
    ready: Callable[[], tuple[bool, Mapping[str, object]]]
    metrics: Callable[[], bytes]


def door_app(queries: Queries, watched: Watched, key: str) -> Starlette:
    """Return the application, for those who show the key; see `shared.history_key`."""
    answering = Answering(queries)
    routes = [
        Route(
            PREFIX + route.path,
            _for_the_gateway(partial(answering.answer, route), key),
            methods=["GET"],
        )
        for route in ROUTES
    ]
    routes += [
        Route("/health", _telling(watched.health)),
        Route("/ready", _telling(watched.ready)),
        Route("/metrics", _figures(watched.metrics)),
    ]
    handlers = {HTTPException: _no_such_address, Exception: _internal_error}
    return Starlette(routes=routes, exception_handlers=handlers)


def _for_the_gateway(answer: _Answer, key: str) -> _Answer:
    async def answer_if_known(request: Request) -> Response:
        shown = request.headers.get(HEADER, "").encode()
        if not hmac.compare_digest(shown, key.encode()):
            return refusal("FORBIDDEN", "Only the gateway is answered here.")
        return await answer(request)

    return answer_if_known


def _telling(
    ask: Callable[[], tuple[bool, Mapping[str, object]]],
) -> _Answer:
    async def tell(_request: Request) -> Response:
        is_well, details = ask()
        body = msgspec.json.encode(details)
        return Response(body, 200 if is_well else 503, media_type=JSON_TYPE)

    return tell


def _figures(metrics: Callable[[], bytes]) -> _Answer:
    async def figures(_request: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return figures


async def _no_such_address(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refusal(_CODES.get(status, "NOT_FOUND"), _SENTENCES.get(status, _SENTENCES[404]))


async def _internal_error(request: Request, error: Exception) -> Response:
    _log.error("question_failed", path=request.url.path, exc_info=error)
    return refusal("INTERNAL_ERROR", "Something went wrong here; the log of the history knows it.")
