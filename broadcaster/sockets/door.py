"""The HTTP side of the WebSocket port: who is let in, and four pages.

The rule of this file: it answers or refuses a request before it becomes a connection, and keeps
nothing.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

import shared.origins
from shared.addresses import FORWARDED

WEBSOCKET_PATHS = ("/", "/ws", "/ws/")
TICKET_LENGTH_MAX = 256  # A ticket is some 40 characters; longer ones are not even looked up.
TOKEN_PARAMETERS = frozenset({"token", "access_token", "jwt"})
TOKEN_SENTENCE = (
    "A token never belongs in a URL, where proxies and browsers keep it. Get a one-time ticket "
    "from POST /api/v1/auth/ticket and connect with ?ticket=..., or send an auth message."
)

Status = Mapping[str, object]
Metrics = Mapping[str, int]


class Refusal(Exception):
    """A request that becomes no connection; `code` is stable, the text is for people."""

    def __init__(self, status: HTTPStatus, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.response = _page(status, _json({"code": code, "message": sentence, "field": ""}))


class Visit(NamedTuple):
    """A request that may become a connection; `ticket` is None when it shows none."""

    ticket: str | None


class Door:
    """Answers for its pages, and lets WebSocket requests pass that may."""

    def __init__(
        self,
        origins: tuple[str, ...],
        *,
        has_room_for: Callable[[str], bool],
        is_ready: Callable[[], bool],
        metrics: Callable[[], Metrics],
    ) -> None:
        self._origins = origins
        self._has_room_for = has_room_for
        self._is_ready = is_ready
        self._metrics = metrics

    def open(self, request: Request, address: str) -> Response | Visit:
        """Return the answer to a plain request, or a visit to go on with; raises Refusal."""
        path, _, query = request.path.partition("?")
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
        if path == "/asyncapi.json":
            return _page(HTTPStatus.OK, _description())
        return self._visit(path, query, request.headers, address)

    def _visit(self, path: str, query: str, headers: Headers, address: str) -> Visit:
        if path not in WEBSOCKET_PATHS:
            raise Refusal(HTTPStatus.NOT_FOUND, "UNKNOWN_ROUTE", "Connect to /ws.")
        if not origin_is_allowed(headers, self._origins):
            sentence = "This page may not connect; see the setting ws_allowed_origins."
            raise Refusal(HTTPStatus.FORBIDDEN, "ORIGIN_NOT_ALLOWED", sentence)
        ticket = ticket_in(query)
        if not self._has_room_for(address):
            sentence = "Too many connections; close one or try again later."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "TOO_MANY_CONNECTIONS", sentence)
        return Visit(ticket)


def forwarded_in(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return what proxies wrote of the client's address."""
    values = headers.get_all("X-Forwarded-For")
    return [(FORWARDED, value.encode("latin-1", "replace")) for value in values]


def ticket_in(query: str) -> str | None:
    """Return the ticket that a query shows, None when it is empty; raises Refusal."""
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if not TOKEN_PARAMETERS.isdisjoint(name.lower() for name in names):
        raise Refusal(HTTPStatus.BAD_REQUEST, "TOKEN_IN_URL", TOKEN_SENTENCE)
    if any(name != "ticket" for name in names):
        sentence = "The only parameter of this URL is ticket."
        raise Refusal(HTTPStatus.BAD_REQUEST, "UNKNOWN_PARAMETER", sentence)
    if not pairs:
        return None
    ticket = pairs[0][1]
    if len(pairs) > 1 or not 0 < len(ticket) <= TICKET_LENGTH_MAX:
        raise invalid_ticket()
    return ticket


def invalid_ticket() -> Refusal:
    """Return the refusal of a ticket that is unknown, used or too old; which, nobody is told."""
    sentence = "The ticket is not valid any more; get a new one from POST /api/v1/auth/ticket."
    return Refusal(HTTPStatus.UNAUTHORIZED, "INVALID_TICKET", sentence)


def tickets_unavailable() -> Refusal:
    """Return the refusal of a ticket that could not be looked up."""
    sentence = "Tickets cannot be looked up right now; try again in a second."
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "NOT_READY", sentence)


def bad_request(sentence: str) -> Refusal:
    """Return the refusal of what is no request that could be answered otherwise."""
    return Refusal(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", sentence)


def origin_is_allowed(headers: Headers, origins: tuple[str, ...]) -> bool:
    """Whether the page that asks may connect; what is no page of a browser sends no Origin.

    With a list, exactly those on it; without, pages from the host name they connect to.
    """
    hosts = headers.get_all("Host")
    host = hosts[0] if len(hosts) == 1 else ""
    return shared.origins.origin_is_allowed(headers.get_all("Origin"), host, origins)


def _description() -> str:
    # Here, since few ever ask, and it is made of one example of each message.
    from shared.feed.contract.asyncapi import asyncapi_bytes

    return asyncapi_bytes().decode()


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
