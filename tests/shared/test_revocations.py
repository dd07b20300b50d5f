"""Revoked sessions: heard at once, read after every gap, and never forgotten too early."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio

from shared import revocations as revocations_module
from shared.redis_client import connect
from shared.revocations import Revocations
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy

LATER_S = 4_000_000_000  # The year 2096.


@asynccontextmanager
async def a_process(
    url: str, *, is_source: bool = True, venue: str = "rialto"
) -> AsyncIterator[Revocations]:
    revocations = Revocations(url, venue, is_source=is_source)
    await revocations.start()
    try:
        yield revocations
    finally:
        await revocations.close()


async def in_step(*processes: Revocations) -> None:
    await eventually_async(lambda: all(process.is_in_step for process in processes))


async def test_what_one_announces_every_other_knows(redis_url: str) -> None:
    async with a_process(redis_url) as one, a_process(redis_url, is_source=False) as other:
        await in_step(one, other)
        heard: list[frozenset[str]] = []
        other.call(heard.append)
        await one.announce({"a": LATER_S, "b": LATER_S})
        assert one.is_revoked("a"), "at once where it was announced"
        await eventually_async(lambda: other.is_revoked("a") and other.is_revoked("b"))
        assert heard == [frozenset({"a", "b"})]
        assert not other.is_revoked("c")
        await one.announce({"a": LATER_S})
        await one.announce({"c": LATER_S})
        await eventually_async(lambda: other.is_revoked("c"))
        assert heard[1:] == [frozenset({"c"})], "what was known is told no second time"


async def test_who_comes_later_reads_what_was_said_before(redis_url: str) -> None:
    async with a_process(redis_url) as one:
        await one.announce({"a": LATER_S})
    async with a_process(redis_url, is_source=False) as late:
        await eventually_async(lambda: late.is_revoked("a"))


async def test_what_was_said_while_the_line_was_cut_is_read_afterwards(redis_url: str) -> None:
    async with (
        tcp_proxy(redis_url) as proxy,
        a_process(redis_url) as one,
        a_process(proxy.url, is_source=False) as cut,
    ):
        await in_step(one, cut)
        await proxy.refuse()
        await one.announce({"a": LATER_S})
        assert not cut.is_revoked("a")
        await proxy.open()
        await eventually_async(lambda: cut.is_revoked("a"))


async def test_without_redis_a_process_knows_its_own_and_sends_it_later(
    redis_server: RedisServer,
) -> None:
    async with a_process(redis_server.url) as one:
        await in_step(one)
        redis_server.kill()
        await one.announce({"a": LATER_S})
        assert one.is_revoked("a")
        redis_server.start()
        async with a_process(redis_server.url, is_source=False) as other:
            await eventually_async(lambda: other.is_revoked("a"))


async def test_a_gateway_puts_back_what_the_record_has_lost(redis_server: RedisServer) -> None:
    async with a_process(redis_server.url) as one:
        await in_step(one)
        await one.announce({"a": LATER_S})
        redis_server.kill()
        redis_server.start()
        redis_server.flush()
        async with a_process(redis_server.url, is_source=False) as other:
            await eventually_async(lambda: other.is_revoked("a"))


async def test_a_record_that_was_pushed_out_is_put_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations_module, "COMPARE_INTERVAL_S", 0.0)
    async with a_process(redis_url) as one:
        await in_step(one)
        await one.announce({"a": LATER_S, "b": LATER_S})
        with connect(redis_url) as client:
            (name,) = client.keys()
            client.delete(name)
            await one.announce({"c": LATER_S})
            await eventually_async(lambda: client.zcard(name) == 3)


async def test_a_feed_only_reads(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, a_process(proxy.url, is_source=False) as feed:
        async with a_process(redis_url) as one:
            await in_step(one, feed)
            await one.announce({"a": LATER_S})
            await eventually_async(lambda: feed.is_revoked("a"))
        await proxy.refuse()
        await eventually_async(lambda: not feed.is_in_step)
        with connect(redis_url) as client:
            client.flushdb()
            await proxy.open()
            await in_step(feed)
            assert client.keys() == []
        assert feed.is_revoked("a"), "and never forgets what it has heard"


async def test_venues_do_not_hear_of_each_other(redis_url: str) -> None:
    async with a_process(redis_url) as one, a_process(redis_url, venue="other") as other:
        await in_step(one, other)
        await one.announce({"a": LATER_S})
        await other.announce({"b": LATER_S})
        assert (other.is_revoked("a"), one.is_revoked("b")) == (False, False)
    async with a_process(redis_url, venue="other") as late:
        await eventually_async(lambda: late.is_revoked("b"))
        assert not late.is_revoked("a")


async def test_the_record_is_bounded_and_expires(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations_module, "FORGET_INTERVAL_S", 0.0)
    now_s = int(time.time())
    async with a_process(redis_url) as one:
        await in_step(one)
        await one.announce({"over": now_s - 10, "living": now_s + 900})
        await one.announce({"another": now_s + 900})
        with connect(redis_url) as client:
            (name,) = client.keys()
            assert client.zrange(name, 0, -1) == [b"another", b"living"]
            assert 0 < client.ttl(name) <= revocations_module.RECORD_LIFETIME_S
        await eventually_async(lambda: not one.is_revoked("over"))
        assert one.is_revoked("living")


async def test_nonsense_on_the_channel_is_passed_over(redis_url: str) -> None:
    async with a_process(redis_url) as one, redis.asyncio.from_url(redis_url) as client:
        await in_step(one)
        for nonsense in (b"", b"[]", b'{"a":"b"}', b"\xff"):
            await client.publish("sessions:revoked:{rialto}", nonsense)
        async with a_process(redis_url) as other:
            await other.announce({"a": LATER_S})
            await eventually_async(lambda: one.is_revoked("a"))


async def test_more_than_can_be_kept_forgets_what_ends_first(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations_module, "KNOWN_MAX", 10)
    async with a_process(redis_url) as one:
        await one.announce({str(number): LATER_S + number for number in range(11)})
        known = [number for number in range(11) if one.is_revoked(str(number))]
        assert known == [6, 7, 8, 9, 10]


async def test_closing_while_redis_is_away_ends(redis_server: RedisServer) -> None:
    redis_server.kill()
    try:
        async with asyncio.timeout(20), a_process(redis_server.url) as one:
            await one.announce({"a": LATER_S})
    finally:
        redis_server.start()
