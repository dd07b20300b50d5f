"""A venue on a real socket: WebSockets and HTTP on one port, as the offline address has them.

The rule of this file: it does what a test tells it to, and writes down what it was asked.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Talk = Callable[[ServerConnection], Awaitable[None]]


class FakeVenue:
    """`talk` is what it does with each connection; as long as it is at it, that stays open."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.heard: list[str] = []
        self.paths: list[str] = []
        self.asked: list[str] = []  # By HTTP.
        self.answers: dict[str, list[tuple[int, bytes, dict[str, str]]]] = {}  # By end of path.
        self.refusals: list[tuple[int, dict[str, str]]] = []  # Of the next connections.
        self.talk: Talk = self.listen
        self.port = 0
        self._server: Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["FakeVenue"]:
        """Serve until the end of the block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._request,
            compression=None,
            max_size=None,
            close_timeout=0.2,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def listen(self, connection: ServerConnection) -> None:
        """Take down what is said until the other side goes."""
        async for message in connection:
            self.heard.append(str(message))

    async def say(self, *messages: str) -> None:
        """Say it on the last connection."""
        for message in messages:
            await self.connections[-1].send(message)

    def cut(self, which: int = -1) -> None:
        """End a connection without a goodbye."""
        self.connections[which].transport.abort()

    def _request(self, _connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" not in request.headers:
            return self._answer(request.path)
        self.paths.append(request.path)
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return _response(status, b"no", headers)
        return None

    def _answer(self, path: str) -> Response:
        self.asked.append(path)
        for end, answers in self.answers.items():
            if path.endswith(end):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return _response(*answer)
        return _response(404, b"unknown", {})

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            await self.talk(connection)


def _response(status: int, body: bytes, headers: dict[str, str]) -> Response:
    all_headers = Headers({"Content-Length": str(len(body)), "Connection": "close", **headers})
    return Response(status, HTTPStatus(status).phrase, all_headers, body)


async def silent(connection: ServerConnection) -> None:
    """Say nothing, and hear nothing but the end."""
    with contextlib.suppress(asyncio.CancelledError):
        await connection.wait_closed()
