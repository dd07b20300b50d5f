"""The short way to a handler, for addresses without a parameter.

The rule of this file: what is answered here is answered as by the framework, byte for byte; only
its layers, which are for what no handler of ours asks of them, are not walked through. Everything
else goes to the application.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.cors import CORSMiddleware

from api.edge.answers import answer_to_bug, error_answer
from api.edge.door import App, Receive, Scope, Send
from api.edge.errors import ApiError

Handler = Callable[[Request], Awaitable[Response]]

_VARIES = (b"vary", b"Origin")  # What the layer for other pages says to those who are none.


class _Way(NamedTuple):
    handler: Handler
    route: APIRoute


class Shortcut:
    """Wraps an application whose handlers take the request and nothing else."""

    def __init__(self, app: FastAPI) -> None:
        self._app: App = app
        self._ways = _ways_of(app)
        layers = {layer.cls for layer in app.user_middleware}
        assert layers <= {CORSMiddleware}, "the short way goes past every layer but this"
        self._serves_pages = bool(layers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self._ways.get((scope["method"], scope["path"]))
        if way is None or (self._serves_pages and _has_origin(scope)):
            await self._app(scope, receive, send)
            return
        scope["route"] = way.route
        request = Request(scope, receive)
        try:
            response = await way.handler(request)
        except ApiError as error:
            response = error_answer(error, scope["request_id"])
        except Exception as error:
            await self._send(await answer_to_bug(request, error), send)
            raise
        if type(response).__call__ is not Response.__call__:
            await self._let_send(response, request, send)
            return
        await self._send(response, send)

    async def _let_send(self, response: Response, request: Request, send: Send) -> None:
        """Let an answer go that is more than a body, and knows how it is sent."""
        if self._serves_pages:
            response.raw_headers.append(_VARIES)
        await response(request.scope, request.receive, send)

    async def _send(self, response: Response, send: Send) -> None:
        headers = response.raw_headers
        if self._serves_pages:
            headers = [*headers, _VARIES]
        status = response.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


def _ways_of(app: FastAPI) -> Mapping[tuple[str, str], _Way]:
    ways: dict[tuple[str, str], _Way] = {}
    for context in iter_route_contexts(app.routes):
        route: Any = context.original_route
        path = context.path
        if not isinstance(route, APIRoute) or path is None or "{" in path:
            continue
        for method in route.methods or ():
            ways.setdefault((method, path), _Way(route.endpoint, route))
    return ways


def _has_origin(scope: Scope) -> bool:
    return any(name == b"origin" for name, _ in scope["headers"])
