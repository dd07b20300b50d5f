"""The bounds of connections that take too many, or too long, to reach with a whole service."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api import __main__ as service
from api.edge import protocol
from tests.support.deadlines import eventually_async

REQUEST = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
CONNECTIONS_MAX = 8


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The smallest application."""
    assert scope["type"] == "http"
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"hi"})


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes = REQUEST) -> int:
        """Send bytes and return the status of the answer's head, 0 if there is none."""
        self.writer.write(data)
        head = b""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        return int(head[9:12]) if head else 0

    async def rest(self) -> bytes:
        """Return what comes until the connection is closed."""
        return await asyncio.wait_for(self.reader.read(), 20)


@asynccontextmanager
async def a_port() -> AsyncIterator[int]:
    """Serve `hello` as the gateway serves its applications."""
    listener = socket.create_server(("127.0.0.1", 0))
    kind = protocol.LimitedProtocol
    server = service._server(hello, CONNECTIONS_MAX, kind)  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually_async(lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 20)


async def connect(port: int) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", port))


async def close(*clients: Client) -> None:
    for client in clients:
        client.writer.close()


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "KEEP_ALIVE_S", 0.1)
    async with a_port() as port:
        client = await connect(port)
        assert await client.ask() == 200
        assert await client.rest() == b"hi"
        await close(client)


async def test_an_idle_connection_that_sends_an_empty_line_is_closed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.1)
    async with a_port() as port:
        client = await connect(port)
        assert await client.ask() == 200
        client.writer.write(b"\r\n")
        assert await client.rest() == b"hi"
        await close(client)


async def test_an_empty_line_and_then_a_request_is_served() -> None:
    async with a_port() as port:
        client = await connect(port)
        assert await client.ask() == 200
        await client.reader.readexactly(2)
        client.writer.write(b"\r\n")
        assert await client.ask() == 200
        await close(client)


async def test_a_body_that_nobody_reads_may_take_its_time_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_BODY_TIMEOUT_S", 0.3)
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab"
    async with a_port() as port:
        slow, quick = await connect(port), await connect(port)
        assert await slow.ask(head) == 200
        assert await quick.ask(head) == 200
        assert await quick.reader.readexactly(2) == b"hi"
        quick.writer.write(b"cd")
        assert await quick.ask() == 200
        assert await slow.rest() == b"hi"
        await close(slow, quick)


async def test_with_too_many_connections_the_refusal_is_one_of_ours() -> None:
    async with a_port() as port:
        clients = [await connect(port) for _ in range(CONNECTIONS_MAX)]
        assert await clients[0].ask() == 503
        refusal = json.loads(await clients[0].rest())
        assert (refusal["code"], set(refusal)) == (
            "BUSY",
            {"code", "message", "field", "request_id"},
        )
        await close(*clients[:3])
        await eventually_async(lambda: _is_served(port))
        await close(*clients)


async def _is_served(port: int) -> bool:
    client = await connect(port)
    try:
        return await client.ask() == 200
    finally:
        await close(client)


async def test_one_address_holds_a_bounded_number_of_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "CONNECTIONS_PER_ADDRESS_MAX", 3)
    async with a_port() as port:
        clients = [await connect(port) for _ in range(3)]
        assert [await client.ask() for client in clients] == [200, 200, 200]
        surplus = await connect(port)
        assert await surplus.ask() == 0
        await close(clients[0])
        await eventually_async(lambda: _is_served(port))
        await close(*clients, surplus)


async def test_the_pipeline_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PIPELINE_MAX", 4)
    async with a_port() as port:
        client = await connect(port)
        client.writer.write(REQUEST * 20)
        answer = await client.rest()
        assert answer.count(b"HTTP/1.1 200") == 5
        assert answer.count(b"HTTP/1.1 400") == 1
        await close(client)
