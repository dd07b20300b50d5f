"""The HTTP side of the WebSocket port: who is let in, and three small pages.

The rule of this file: it answers or refuses a request before it becomes a connection, and keeps
nothing.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

import shared.origins
from broadcaster.limits import ConnectionCount

WEBSOCKET_PATHS = ("/", "/ws", "/ws/")

Status = Mapping[str, object]


class Door:
    """Answers /health, /ready and /metrics, and lets WebSocket requests pass that may."""

    def __init__(
        self,
        connections: ConnectionCount,
        origins: tuple[str, ...],
        *,
        is_ready: Callable[[], bool],
        metrics: Callable[[], dict[str, int]],
    ) -> None:
        self._connections = connections
        self._origins = origins
        self._is_ready = is_ready
        self._metrics = metrics

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a plain request or a refusal; None lets the handshake go on."""
        path = request.path.partition("?")[0]
        if path == "/health":
            return _page(HTTPStatus.OK, _json({"status": "ok"}))
        if path == "/ready":
            ready = self._is_ready()
            status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
            return _page(status, _json({"ready": ready}))
        if path == "/metrics":
            lines = [
                f"rialto_broadcaster_{name} {value}" for name, value in self._metrics().items()
            ]
            return _page(HTTPStatus.OK, "\n".join(lines) + "\n", "text/plain; version=0.0.4")
        return self._refusal(path, connection, request)

    def _refusal(
        self, path: str, connection: ServerConnection, request: Request
    ) -> Response | None:
        if path not in WEBSOCKET_PATHS:
            return _error(HTTPStatus.NOT_FOUND, "UNKNOWN_ROUTE", "Connect to /ws.")
        if not origin_is_allowed(request.headers, self._origins):
            sentence = "This page may not connect; see the setting ws_allowed_origins."
            return _error(HTTPStatus.FORBIDDEN, "ORIGIN_NOT_ALLOWED", sentence)
        if not self._connections.has_room_for(address_of(connection)):
            sentence = "Too many connections; close one or try again later."
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, "TOO_MANY_CONNECTIONS", sentence)
        return None


def origin_is_allowed(headers: Headers, origins: tuple[str, ...]) -> bool:
    """Whether the page that asks may connect; what is no page of a browser sends no Origin.

    With a list, exactly those on it; without, pages from the host name they connect to.
    """
    return shared.origins.origin_is_allowed(
        headers.get_all("Origin"), headers.get("Host", ""), origins
    )


def address_of(connection: ServerConnection) -> str:
    """Return the client's network address."""
    address = connection.remote_address
    return str(address[0]) if address else ""


def _error(status: HTTPStatus, code: str, message: str) -> Response:
    return _page(status, _json({"code": code, "message": message, "field": ""}))


def _json(fields: Status) -> str:
    return json.dumps(fields) + "\n"


def _page(status: HTTPStatus, text: str, content_type: str = "application/json") -> Response:
    body = text.encode()
    headers = Headers(
        {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
        }
    )
    return Response(status.value, status.phrase, headers, body)
