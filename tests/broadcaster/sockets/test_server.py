"""The sockets: who gets in, what ends a connection, and what a slow reader costs the others."""

import asyncio
import contextlib
import json
import socket
import time
from itertools import count

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from broadcaster.clients import limits
from shared.messages import Applied, DepthChanged
from tests.broadcaster.running import Running, running
from tests.support.deadlines import DEADLINE_S, eventually_async
from tests.support.feed_client import BookView, FeedClient, open_feed

MARKET = "TATA_INR"
CHANNEL = f"depth:{MARKET}"


async def close_code(client: FeedClient) -> int:
    """Read to the end of the connection and return its close code."""
    async with asyncio.timeout(DEADLINE_S):
        try:
            while True:
                await client.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/", ""])
async def test_both_paths_are_the_feed(redis_url: str, path: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(path=path)
        await client.send(SubscribeOrderbook=MARKET)
        view = await client.until_sequence(MARKET, 0)
        assert view.reasons == [""]
        await client.connection.close()


async def test_another_path_is_not_found(redis_url: str) -> None:
    async with running(redis_url) as venue:
        with pytest.raises(InvalidStatus, match="404"):
            await open_feed(venue.url + "/other")


async def test_health_ready_and_metrics_answer_over_http(redis_url: str) -> None:
    async with running(redis_url) as venue, httpx.AsyncClient() as http:
        url = venue.url.replace("ws://", "http://")
        assert (await http.get(url + "/health")).json() == {"status": "ok"}
        assert (await http.get(url + "/ready")).json() == {"ready": True}
        client = await venue.client(CHANNEL)
        metrics = (await http.get(url + "/metrics")).text
        assert "rialto_broadcaster_connections 1\n" in metrics
        assert "rialto_broadcaster_subscriptions 1\n" in metrics
        assert (await http.get(url + "/ws")).status_code == 426
        assert (await http.get(url + "/asyncapi.json")).json()["asyncapi"] == "3.0.0"
        await client.connection.close()


async def test_without_redis_it_lives_but_is_not_ready(redis_url: str) -> None:
    async with running(redis_url) as venue, httpx.AsyncClient() as http:
        url = venue.url.replace("ws://", "http://")
        await venue.relay.close()
        assert (await http.get(url + "/health")).status_code == 200
        assert (await http.get(url + "/ready")).status_code == 503


@pytest.mark.parametrize(
    ("allowed", "origin", "gets_in"),
    [
        ((), "http://127.0.0.1:8000", True),
        ((), "http://evil.example", False),
        ((), "null", False),
        ((), "file://127.0.0.1", False),
        ((), "http://[", False),
        (("https://terminal.example",), "https://terminal.example", True),
        (("https://terminal.example",), "http://terminal.example", False),
        (("https://terminal.example",), "https://terminal.example.evil", False),
        (("https://terminal.example",), "http://127.0.0.1:8000", False),
    ],
)
async def test_a_page_of_another_origin_does_not_get_in(
    redis_url: str, allowed: tuple[str, ...], origin: str, gets_in: bool
) -> None:
    async with running(redis_url, origins=allowed) as venue:
        headers = {"Origin": origin}
        if gets_in:
            async with connect(venue.url + "/ws", additional_headers=headers):
                return
        with pytest.raises(InvalidStatus, match="403"):
            await connect(venue.url + "/ws", additional_headers=headers)


async def test_one_connection_too_many_is_refused_and_a_left_one_makes_room(
    redis_url: str,
) -> None:
    async with running(redis_url, connections_max=2) as venue:
        first, second = await venue.client(CHANNEL), await venue.client(CHANNEL)
        with pytest.raises(InvalidStatus, match="503"):
            await venue.client()
        first.connection.transport.abort()

        async def third_gets_in() -> bool:
            try:
                third = await venue.client(CHANNEL)
            except InvalidStatus:
                return False
            await third.connection.close()
            return True

        await eventually_async(third_gets_in)
        await second.connection.close()


def test_connections_of_one_address_are_counted_and_loopback_is_not() -> None:
    connections = limits.ConnectionCount(connections_max=5, per_address_max=2)
    assert [connections.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert [connections.enter("127.0.0.1") for _ in range(4)] == [True, True, True, False]
    connections.leave("192.0.2.1")
    assert connections.enter("192.0.2.1")
    assert connections.total == 5


@pytest.mark.parametrize("size", [limits.MESSAGE_SIZE_MAX + 1, 1_000_000])
async def test_a_large_frame_ends_the_connection_with_1009(redis_url: str, size: int) -> None:
    async with running(redis_url) as venue:
        client = await venue.client()
        await client.connection.send("x" * size)
        assert await close_code(client) == 1009


async def test_a_large_message_in_fragments_ends_with_1009_too(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client()
        with contextlib.suppress(ConnectionClosed):
            await client.connection.send(["x" * 1_000] * 100)
        assert await close_code(client) == 1009


async def test_a_flood_of_bad_messages_ends_with_1008_after_its_errors(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client()
        codes = []
        for _ in range(limits.BAD_MESSAGES_BURST_MAX + 1):
            await client.connection.send("nonsense")
            codes.append((await client.next())["code"])
        assert set(codes) == {"BAD_MESSAGE"}
        assert await close_code(client) == 1008


async def test_an_expired_token_closes_the_socket_with_4401(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client()
        soon_s = int(time.time()) + 2
        answer = await client.ask(op="auth", token=f"account-7-until-{soon_s}")
        assert answer["op"] == "authenticated"
        assert await close_code(client) == 4401
        assert time.time() >= soon_s


async def test_a_revoked_session_closes_its_sockets_with_4401_at_once(redis_url: str) -> None:
    async with running(redis_url) as venue:
        revoked, kept = await venue.client(), await venue.client()
        await revoked.ask(op="auth", token="account-7-of-one")
        await kept.ask(op="auth", token="account-7-of-two")
        venue.server.revoke(frozenset({"one"}))
        assert await close_code(revoked) == 4401
        assert (await kept.ask(op="ping"))["op"] == "pong"


async def test_a_stop_says_1012_to_every_client(redis_url: str) -> None:
    async with running(redis_url) as venue:
        clients = [await venue.client(CHANNEL) for _ in range(3)]
        stalled = await stalled_client(venue)
        storm = Storm(venue)
        while not venue.server.lagged_count:
            storm.change(dict.fromkeys(range(1, 400), storm.depth_sequence + 1))
            await asyncio.sleep(0)
        codes, _ = await asyncio.gather(
            asyncio.gather(*map(close_code, clients)), venue.server.close()
        )
        assert codes == [1012] * 3
        await eventually_async(lambda: venue.server.connection_count == 0)
        stalled.connection.transport.abort()


async def test_what_is_cut_off_leaves_nothing_behind(redis_url: str) -> None:
    async with running(redis_url) as venue:
        for number in range(100):
            client = await venue.client(CHANNEL, f"trades:{MARKET}")
            if number % 3 == 0:
                await client.ask(op="auth", token="account-7")
                await client.ask(op="subscribe", channels=["account"])
            client.connection.transport.abort()

        def is_empty() -> bool:
            accounts = venue.hub.accounts
            return not (
                any(topic.subscriber_count for topic in venue.hub.topics.values())
                or accounts.listeners
                or accounts.connections
                or venue.server.connection_count
            )

        await eventually_async(is_empty)


class Storm:
    """Depth changes made right at the feed, faster than any engine."""

    def __init__(self, venue: Running) -> None:
        assert venue.feed.projection is not None
        self.feed = venue.feed
        self.sequences = count(venue.feed.projection.sequence + 1)
        self.depth_sequence = 0
        self.expected: dict[int, int] = {}

    def change(self, levels: dict[int, int]) -> None:
        self.depth_sequence += 1
        self.expected |= levels
        event = DepthChanged(
            next(self.sequences), MARKET, self.depth_sequence, tuple(levels.items()), ()
        )
        self.feed.apply([Applied(1, 1, (event,))])

    def assert_seen(self, view: BookView) -> None:
        assert view.sequence == self.depth_sequence
        assert sorted(view.bids.values()) == sorted(map(str, self.expected.values()))


async def stalled_client(venue: Running) -> FeedClient:
    """A client with a small window that subscribes and then does not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    port = int(venue.url.rpartition(":")[2])
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    client = await open_feed(venue.url + "/ws", sock=raw, max_queue=1)
    await client.send(op="subscribe", channels=[CHANNEL])
    await eventually_async(lambda: venue.hub.topics[CHANNEL].subscriber_count > 0)
    return client


async def test_a_stalled_reader_slows_nobody_and_becomes_right_again(redis_url: str) -> None:
    async with running(redis_url) as venue:
        slow = await stalled_client(venue)
        fast = await venue.client(CHANNEL)
        await fast.until_sequence(MARKET, 0)
        storm = Storm(venue)
        for number in range(1, 2_001):
            storm.change(dict.fromkeys(range(1, 400), number))
            if number % 50 == 0:
                await fast.until_sequence(MARKET, number)
        storm.assert_seen(fast.books[MARKET])
        assert fast.books[MARKET].reasons == [""], "the fast one never lagged"
        view = await slow.until_sequence(MARKET, storm.depth_sequence)
        storm.assert_seen(view)
        assert view.reasons.count("lagged") >= 1
        storm.change({5: 1})
        storm.assert_seen(await slow.until_sequence(MARKET, storm.depth_sequence))
        await asyncio.gather(slow.connection.close(), fast.connection.close())


async def test_a_lagged_snapshot_says_so(redis_url: str) -> None:
    async with running(redis_url) as venue:
        slow = await stalled_client(venue)
        storm = Storm(venue)
        while not venue.server.lagged_count:
            storm.change(dict.fromkeys(range(1, 400), storm.depth_sequence + 1))
            await asyncio.sleep(0)
        messages = [await slow.next() for _ in range(2)]
        while messages[-1]["type"] != "snapshot" or "lagged" not in messages[-1]:
            messages.append(await slow.next())
        assert messages[-1]["lagged"] is True
        assert messages[-1]["reason"] == "lagged"
        assert len(json.dumps(messages[-1]["bids"])) > 1_000
        await slow.connection.close()
