"""A feed that goes on: over lost connections, expired tokens, gaps and rude servers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from rialto.client import AsyncFeed, ClientError, FellBehindError, RefusedError, UnansweredError
from rialto.client.feed import NotLiveError
from rialto.client.feed.desk import LOST
from shared.feed import DepthDelta
from tests.broadcaster.running import running
from tests.support.deadlines import DEADLINE_S, eventually_async
from tests.support.fake_feed import FakeFeed, fake_feed

DEPTH = "depth:TATA_INR"
TRADES = "trades:TATA_INR"
GOODBYE_S = 5.0  # Half of what is waited for a goodbye that never comes.


@pytest.fixture
async def server() -> AsyncIterator[FakeFeed]:
    async with fake_feed() as server:
        server.books[DEPTH] = 41
        yield server


@pytest.fixture
async def feed(server: FakeFeed) -> AsyncIterator[AsyncFeed]:
    """A feed on which a book is live at 41."""
    async with AsyncFeed(server.url) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe(DEPTH)
        await feed.live(feed.book(DEPTH))
        yield feed


async def test_a_book_follows_the_broadcaster(redis_url: str) -> None:
    async with running(redis_url) as venue, AsyncFeed(f"{venue.url}/ws") as feed:
        venue.engine.change_depth("TATA_INR", bids={2_000: 3, 1_999: 1}, asks={2_001: 7})
        venue.engine.commit()
        await venue.in_step()
        async with asyncio.timeout(DEADLINE_S):
            await feed.subscribe(DEPTH, TRADES)
            book = await feed.live(feed.book(DEPTH))
            assert (book.bids, book.asks) == ([("100", "3"), ("99.95", "1")], [("100.05", "7")])
            trades = await feed.live(feed.trades(TRADES))
            venue.engine.change_depth("TATA_INR", bids={2_000: 0})
            venue.engine.trade("TATA_INR", 2_000, 3, maker=1, taker=2)
            venue.engine.commit()
            await feed.until(lambda: book.best_bid == ("99.95", "1") and trades.trades)
            assert DEPTH in (await feed.list()).subscribed
            assert (await feed.ping()).at_ns > 0
            with pytest.raises(RefusedError) as refused:
                await feed.subscribe("depth:NOPE")
            assert (refused.value.code, refused.value.status) == ("UNKNOWN_MARKET", 0)
            await feed.unsubscribe(DEPTH)
            with pytest.raises(NotLiveError):
                _ = book.bids
            with pytest.raises(KeyError):
                feed.book(DEPTH)


async def test_the_account_is_the_tokens(redis_url: str) -> None:
    async with (
        running(redis_url) as venue,
        AsyncFeed(f"{venue.url}/ws", token=lambda: "account-7") as feed,
        asyncio.timeout(DEADLINE_S),
    ):
        await feed.subscribe("account")
        account = await feed.live(feed.account())
        assert (account.account_id, account.open_orders) == (7, [])


async def test_a_lost_connection_is_made_anew_and_the_book_goes_on(
    feed: AsyncFeed, server: FakeFeed
) -> None:
    book = feed.book(DEPTH)
    del server.books[DEPTH]
    server.connection.transport.abort()
    await feed.until(lambda: book.fault == LOST)
    await feed.until(lambda: book.is_live)
    assert server.asked[-1]["channels"][0]["after_sequence"] == 41
    await server.delta(DEPTH, 42)
    await feed.until(lambda: book.sequence == 42)
    assert (feed.connections, feed.repairs) == (2, 0)


async def test_a_gap_is_repaired_on_the_same_connection(feed: AsyncFeed, server: FakeFeed) -> None:
    book = feed.book(DEPTH)
    server.books[DEPTH] = 60
    await server.delta(DEPTH, 43)
    await feed.until(lambda: book.sequence == 60)
    assert [op["op"] for op in server.asked] == ["subscribe", "unsubscribe", "subscribe"]
    assert (feed.connections, feed.repairs, book.faults) == (1, 1, 1)


async def test_the_servers_own_word_says_when_to_come_back(
    feed: AsyncFeed, server: FakeFeed
) -> None:
    await server.say(op="closing", code=1012, reason="a restart", reconnect_after_ms=300)
    begun_s = time.monotonic()
    await server.connection.close(1012, "a restart")
    await feed.until(lambda: feed.connections == 2)
    assert time.monotonic() - begun_s >= 0.3, "not before"


async def test_a_server_that_refuses_is_tried_again_and_that_is_said_once(
    server: FakeFeed, caplog: pytest.LogCaptureFixture
) -> None:
    server.is_closed = True
    async with AsyncFeed(server.url) as feed, asyncio.timeout(DEADLINE_S):
        await eventually_async(lambda: len(server.paths) >= 3)
        assert "503" in feed.last_failure
        server.is_closed = False
        await feed.subscribe(DEPTH)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "503" in caplog.text


async def test_without_an_answer_in_time_it_says_why(server: FakeFeed) -> None:
    server.is_closed = True
    async with AsyncFeed(server.url, timeout_s=0.3) as feed:
        with pytest.raises(UnansweredError, match="503"):
            await feed.subscribe(DEPTH)


async def test_a_server_that_is_starting_is_asked_again(server: FakeFeed) -> None:
    server.errors["subscribe"] = "NOT_READY"
    async with AsyncFeed(server.url) as feed, asyncio.timeout(DEADLINE_S):
        asking = asyncio.create_task(feed.subscribe(DEPTH))
        await eventually_async(lambda: len(server.asked) >= 2)
        server.errors.clear()
        await asking


# ---- tokens and tickets ----


class Provider:
    """Gives a new word each time: t1, t2, t3; `fails` says that it cannot now."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False

    async def __call__(self) -> str:
        self.count += 1
        if self.fails:
            raise ClientError("the gateway is away")
        return f"t{self.count}"


async def test_a_token_is_shown_before_anything_else_and_kept(server: FakeFeed) -> None:
    provider = Provider()
    async with AsyncFeed(server.url, token=provider) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe("account")
        assert [op["op"] for op in server.asked] == ["auth", "subscribe"]
        server.connection.transport.abort()
        await eventually_async(lambda: len(server.asked) == 4)
        assert [op["token"] for op in server.ops("auth")] == ["t1", "t1"]


async def test_after_4401_another_token_is_shown(server: FakeFeed) -> None:
    async with AsyncFeed(server.url, token=Provider()) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe("account")
        await server.connection.close(4401, "the token has expired")
        await eventually_async(lambda: len(server.ops("auth")) == 2)
        assert [op["token"] for op in server.ops("auth")] == ["t1", "t2"]


async def test_a_token_is_renewed_before_it_is_over(
    server: FakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rialto.client.feed.credentials.RENEW_AGAIN_S", 0.05)
    server.expires_at_s = int(time.time())
    async with AsyncFeed(server.url, token=Provider()) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe("account")
        await eventually_async(lambda: len(server.ops("auth")) >= 3)
        assert [op["token"] for op in server.ops("auth")][:3] == ["t1", "t2", "t3"]
        assert feed.connections == 1


async def test_a_token_that_is_refused_refuses_the_account_and_nothing_else(
    server: FakeFeed,
) -> None:
    server.errors = {"t1": "SESSION_REVOKED"}
    async with AsyncFeed(server.url, token=Provider()) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe(DEPTH)
        await feed.live(feed.book(DEPTH))
        server.errors["subscribe"] = "AUTH_REQUIRED"
        with pytest.raises(RefusedError) as refused:
            await feed.subscribe("account")
        assert refused.value.code == "SESSION_REVOKED"
        assert feed.connections == 1


async def test_without_a_token_just_now_the_public_channels_live(server: FakeFeed) -> None:
    provider = Provider()
    provider.fails = True
    async with AsyncFeed(server.url, token=provider) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe(DEPTH)
        await feed.live(feed.book(DEPTH))
        assert server.ops("auth") == []
        assert "the gateway is away" in feed.last_failure


async def test_a_provider_with_a_bug_ends_the_feed_and_every_call_says_so(
    server: FakeFeed,
) -> None:
    def broken() -> str:
        raise ZeroDivisionError("a bug")

    async with AsyncFeed(server.url, token=broken) as feed, asyncio.timeout(DEADLINE_S):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await feed.subscribe(DEPTH)


async def test_each_connection_has_a_ticket_of_its_own(server: FakeFeed) -> None:
    async with AsyncFeed(server.url, ticket=Provider()) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe("account")
        server.connection.transport.abort()
        await eventually_async(lambda: len(server.paths) == 2)
        assert server.paths == ["/ws?ticket=t1", "/ws?ticket=t2"]


async def test_before_a_tickets_session_is_over_there_is_a_new_connection(
    server: FakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rialto.client.feed.credentials.RENEW_AGAIN_S", 0.05)
    async with AsyncFeed(server.url, ticket=Provider()) as feed, asyncio.timeout(DEADLINE_S):
        await feed.subscribe(DEPTH)
        now_s = int(time.time())
        await server.say(op="authenticated", id=None, account_id=7, expires_at_s=now_s)
        await eventually_async(lambda: server.paths == ["/ws?ticket=t1", "/ws?ticket=t2"])
        await feed.until(lambda: feed.is_live(DEPTH))


async def test_nobody_has_both(server: FakeFeed) -> None:
    with pytest.raises(TypeError):
        AsyncFeed(server.url, token=Provider(), ticket=Provider())


# ---- who reads each message ----


async def test_updates_are_those_of_the_channels_asked_for(
    feed: AsyncFeed, server: FakeFeed
) -> None:
    server.books["depth:JIO_INR"] = 1
    stream, other = feed.updates(DEPTH), feed.updates("depth:JIO_INR")
    await feed.subscribe("depth:JIO_INR")
    await server.delta(DEPTH, 42)
    assert (await anext(stream)).channel == DEPTH
    assert (await anext(other)).channel == "depth:JIO_INR"
    await feed.close()
    assert [update async for update in stream] == []


async def test_whoever_reads_too_slowly_is_told_and_slows_nobody(
    feed: AsyncFeed, server: FakeFeed
) -> None:
    slow, quick = feed.updates(queued_max=2), feed.updates()
    for sequence in range(42, 46):
        await server.delta(DEPTH, sequence)
    await feed.until(lambda: feed.book(DEPTH).sequence == 45)
    with pytest.raises(FellBehindError):
        await anext(slow)
    first = await anext(slow)
    assert isinstance(first, DepthDelta)
    assert first.last_sequence == 44, "it goes on with what came then"
    await server.delta(DEPTH, 46)
    await feed.until(lambda: feed.book(DEPTH).sequence == 46)
    quick.close()
    assert len([update async for update in quick]) == 5


async def test_a_callback_sees_the_keeper_as_it_is_right_after_each_message(
    server: FakeFeed,
) -> None:
    seen: list[int] = []
    watched = AsyncFeed(server.url, on_update=lambda _: seen.append(watched.book(DEPTH).sequence))
    async with watched, asyncio.timeout(DEADLINE_S):
        await watched.subscribe(DEPTH)
        await watched.live(watched.book(DEPTH))
        await server.delta(DEPTH, 42)
        await server.delta(DEPTH, 43)
        await watched.until(lambda: watched.book(DEPTH).sequence == 43)
    assert seen == [41, 42, 43]


async def test_a_keeper_of_another_kind_is_refused(feed: AsyncFeed) -> None:
    with pytest.raises(TypeError):
        feed.trades(DEPTH)


async def test_a_closed_feed_says_so(feed: AsyncFeed) -> None:
    book = feed.book(DEPTH)
    await feed.close()
    assert not book.is_live
    with pytest.raises(ClientError, match="closed"):
        await feed.subscribe(DEPTH)


async def test_an_iterator_ends_with_what_ended_its_feed(server: FakeFeed) -> None:
    def broken() -> str:
        raise ValueError("no provider")

    async with asyncio.timeout(10), AsyncFeed(server.url, token=broken) as feed:
        with pytest.raises(ValueError, match="no provider"):
            await anext(feed.updates())


async def test_a_feed_ends_at_once_while_the_server_still_talks() -> None:
    unasked = '{"channel":"price:x","type":"value","sequence":1,"at_ns":1,"data":1}'

    async def talk(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(unasked)

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        feed = AsyncFeed(f"ws://127.0.0.1:{port}")
        feed.open()
        await eventually_async(lambda: feed.is_connected)

        async with asyncio.timeout(GOODBYE_S):
            await feed.close()
