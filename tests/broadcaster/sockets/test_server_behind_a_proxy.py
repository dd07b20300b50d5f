"""Clients behind a proxy: counted by their own addresses, which only a proxy of ours may name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import InvalidStatus

from broadcaster.channels.hub import Hub
from broadcaster.clients.limits import ConnectionCount
from broadcaster.sockets.server import FeedServer
from shared.addresses import Proxies
from shared.networks import parse_networks
from tests.broadcaster.running import verify
from tests.support.deadlines import eventually_async
from tests.support.feed_client import FeedClient, open_feed

PER_ADDRESS_MAX = 2
ONE, OTHER = "203.0.113.9", "2001:db8:1:2::1"
OF_THE_SAME_LINE = "2001:db8:1:2:ffff::2"


@asynccontextmanager
async def server_behind(proxies: str) -> AsyncIterator[tuple[FeedServer, str]]:
    ours = Proxies(parse_networks(proxies))
    connections = ConnectionCount(100, PER_ADDRESS_MAX, ours.is_proxy)
    server = FeedServer(Hub(), verify, connections=connections, proxies=ours)
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, f"ws://127.0.0.1:{port}/ws"
    finally:
        await server.close()


async def comes(url: str, *forwarded: str) -> FeedClient | None:
    """Connect as a client of whom the proxy says that; None when it is one too many."""
    headers = [("X-Forwarded-For", value) for value in forwarded]
    try:
        return await open_feed(url, additional_headers=headers)
    except InvalidStatus as refused:
        if refused.response.status_code != 503:
            raise
        return None


async def test_each_client_is_counted_by_its_own_address() -> None:
    async with server_behind("127.0.0.1") as (server, url):
        clients = [await comes(url, ONE) for _ in range(PER_ADDRESS_MAX)]
        assert all(clients)
        assert await comes(url, ONE) is None
        assert await comes(url, f"{OTHER}, {ONE}") is None, "what a client adds says nothing"
        assert await comes(url, OTHER, ONE) is None
        for address in (OTHER, OF_THE_SAME_LINE):
            clients.append(await comes(url, address))
        assert all(clients)
        assert await comes(url, OTHER) is None, "a line of IPv6 is one"
        clients += [await comes(url) for _ in range(PER_ADDRESS_MAX + 1)]
        assert all(clients), "the proxy itself is not counted"
        for client in clients:
            assert client is not None
            await client.connection.close()
        await eventually_async(lambda: server.connection_count == 0)
        back = await comes(url, ONE)
        assert back is not None, "who has left makes room"
        await back.connection.close()


@pytest.mark.parametrize("proxies", ["", "192.0.2.1"])
async def test_of_anybody_else_the_header_means_nothing(proxies: str) -> None:
    async with server_behind(proxies) as (_, url):
        clients = [await comes(url, f"203.0.113.{n}") for n in range(PER_ADDRESS_MAX)]
        assert all(clients)
        assert await comes(url, ONE) is None
        for client in clients:
            assert client is not None
            await client.connection.close()
