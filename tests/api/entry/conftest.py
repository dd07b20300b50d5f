"""A gateway on a real port inside the test: HTTP and order entry, on the engine of `exchange`."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn

from api.app import door_of, public_app
from api.entry.opening import open_entry
from api.entry.sockets import EntryHub
from api.entry.upgrade import protocol_with
from tests.api.exchange import Exchange
from tests.support.deadlines import eventually_async

PAGES = ("https://desk.example",)


@dataclass
class Port:
    """Where it is, and its insides."""

    number: int
    exchange: Exchange
    hub: EntryHub
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.number}/api/v1/ws"


@pytest.fixture
async def port(exchange: Exchange) -> AsyncIterator[Port]:
    gateway = exchange.gateway
    listener = socket.create_server(("127.0.0.1", 0))
    async with open_entry(gateway, PAGES) as hub:
        config = uvicorn.Config(
            door_of(public_app(gateway, docs_enabled=False), gateway),
            http=protocol_with(hub),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        await eventually_async(lambda: server.started)
        yield Port(listener.getsockname()[1], exchange, hub, server)
        server.should_exit = True
        await serving
