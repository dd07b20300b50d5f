"""Publishing on a real Redis: in order, without a hole, through every reconnect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis
from structlog.testing import capture_logs

from shared.channels import Keys
from shared.listener import Listener
from shared.publishing import (
    Ask,
    LogEntries,
    Publisher,
    PublisherLink,
    ValueNow,
    decode_alive,
    decode_publication,
    encode,
    link,
)
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy

KEYS = Keys("test")
LOG, VALUE = "trades:x:y", "price:x"


class Ear:
    """What arrives on the channels of the producer `test`."""

    def __init__(self, redis_url: str) -> None:
        self.entries: dict[int, bytes] = {}  # By number; what comes twice is there once.
        self.messages: list[int] = []  # First numbers, in the order of arrival.
        self.values: list[bytes] = []
        self.channels: list[list[str]] = []  # Of each heartbeat.
        names = {
            KEYS.feeds_channel: self._on_alive,
            KEYS.feed_channel("test", LOG): self._on_log,
            KEYS.feed_channel("test", VALUE): self._on_value,
        }
        self.listener = Listener(redis_url, names)

    async def hears(self, count: int) -> None:
        await eventually_async(lambda: len(self.entries) == count)

    def _on_alive(self, data: bytes) -> None:
        self.channels.append([each.channel for each in decode_alive(data).channels])

    def _on_log(self, data: bytes) -> None:
        said = decode_publication(data)
        assert isinstance(said, LogEntries)
        self.messages.append(said.first_sequence)
        for number, entry in enumerate(said.entries, said.first_sequence):
            self.entries[number] = entry.data

    def _on_value(self, data: bytes) -> None:
        said = decode_publication(data)
        assert isinstance(said, ValueNow)
        self.values.append(said.data)


@asynccontextmanager
async def an_ear(redis_url: str) -> AsyncIterator[Ear]:
    ear = Ear(redis_url)
    await ear.listener.start()
    try:
        await eventually_async(lambda: ear.listener.connected)
        yield ear
    finally:
        await ear.listener.close()


@asynccontextmanager
async def publishing(redis_url: str) -> AsyncIterator[tuple[Publisher, PublisherLink]]:
    publisher = Publisher("test", KEYS, boot_us=0)
    link = PublisherLink(redis_url, KEYS, publisher)
    await link.start()
    try:
        yield publisher, link
    finally:
        await link.close()


async def test_what_is_said_is_published_in_order(redis_url: str) -> None:
    async with an_ear(redis_url) as ear, publishing(redis_url) as (publisher, _):
        log, value = publisher.open_log(LOG), publisher.open_value(VALUE)
        for number in range(1, 2_001):
            log.add(1, b"%d" % number)
            value.set(1, b"%d" % number)
            if number % 10 == 0:
                await asyncio.sleep(0)
        await eventually_async(lambda: len(ear.entries) == 2_000)
        assert ear.entries == {number: b"%d" % number for number in range(1, 2_001)}
        assert ear.messages == sorted(set(ear.messages))
        await eventually_async(lambda: ear.values[-1] == b"2000")


@pytest.mark.parametrize("is_flushed", [False, True])
async def test_a_cut_connection_leaves_no_hole(redis_url: str, is_flushed: bool) -> None:
    with capture_logs():
        async with (
            tcp_proxy(redis_url) as proxy,
            an_ear(redis_url) as ear,
            publishing(proxy.url) as (publisher, link),
        ):
            log = publisher.open_log(LOG)
            await eventually_async(lambda: link.is_connected)
            for number in range(1, 201):
                log.add(1, b"%d" % number)
                if is_flushed:
                    link.flush()
                if number % 20 == 0:
                    proxy.lose_next_reply = number % 40 == 0
                    if not proxy.lose_next_reply:
                        proxy.cut()
                    await ear.hears(number)
            assert ear.entries == {number: b"%d" % number for number in range(1, 201)}


async def test_what_is_flushed_is_written_at_once_and_in_order(redis_url: str) -> None:
    async with an_ear(redis_url) as ear, publishing(redis_url) as (publisher, link):
        log = publisher.open_log(LOG)
        await eventually_async(lambda: link.is_connected and not link.unanswered)
        for number in range(1, 501):
            log.add(1, b"%d" % number)
            if number % 3:
                before = link.unanswered
                assert link.flush()
                assert link.unanswered == before + 1, "written before anything else happens"
            if number % 7 == 0:
                await asyncio.sleep(0)
        await eventually_async(lambda: len(ear.entries) == 500)
        assert ear.messages == sorted(set(ear.messages))
        await eventually_async(lambda: not link.unanswered)
        assert link.held_back == 0


async def test_what_is_said_while_it_is_held_goes_with_the_flush(redis_url: str) -> None:
    async with an_ear(redis_url) as ear, publishing(redis_url) as (publisher, link):
        log = publisher.open_log(LOG)
        await eventually_async(lambda: link.is_connected and not link.unanswered)
        for number in range(1, 101):
            link.hold()
            log.add(1, b"%d" % number)
            assert link.flush()
            log.add(1, b"%d" % (number + 1_000))  # Nobody flushes this one.
            await asyncio.sleep(0)
        await eventually_async(lambda: len(ear.entries) == 200)
        assert list(ear.entries.values())[-1] == b"1100"
        assert link.held_back == 0


async def test_a_flush_before_redis_is_there_leaves_it_for_later(redis_url: str) -> None:
    async with an_ear(redis_url) as ear, publishing(redis_url) as (publisher, link):
        link.hold()
        publisher.open_log(LOG).add(1, b"1")
        assert not link.flush()
        await ear.hears(1)
        assert link.held_back == 1


async def test_a_flush_on_a_dead_line_is_not_called_written(redis_url: str) -> None:
    with capture_logs():
        async with (
            tcp_proxy(redis_url) as proxy,
            an_ear(redis_url) as ear,
            publishing(proxy.url) as (publisher, link),
        ):
            log = publisher.open_log(LOG)
            await eventually_async(lambda: link.is_connected and not link.unanswered)
            proxy.cut()
            said = []
            for number in range(1, 4):
                log.add(1, b"%d" % number)
                said.append(link.flush())
                await asyncio.sleep(0)
            assert said[-1] is False
            await ear.hears(3)


async def test_a_redis_that_is_slow_is_not_sent_ever_more(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "UNANSWERED_MAX", 10)
    async with (
        tcp_proxy(redis_url) as proxy,
        an_ear(redis_url) as ear,
        publishing(proxy.url) as (publisher, slow),
    ):
        log, value = publisher.open_log(LOG), publisher.open_value(VALUE)
        await eventually_async(lambda: slow.is_connected and not slow.unanswered)
        proxy.passing.clear()
        for number in range(1, 201):
            log.add(1, b"%d" % number)
            value.set(1, b"%d" % number)
            slow.flush()
            await asyncio.sleep(0)
        assert slow.held_back > 100
        assert slow.unanswered < 50
        proxy.passing.set()
        await ear.hears(200)
        await eventually_async(lambda: ear.values[-1] == b"200")
        assert len(ear.values) < 50, "of a value the latest will do"


async def test_a_redis_that_was_away_is_told_everything_that_it_may_be_told(
    redis_server: RedisServer,
) -> None:
    with capture_logs() as logs:
        async with (
            an_ear(redis_server.url) as ear,
            publishing(redis_server.url) as (publisher, link),
        ):
            log, value = publisher.open_log(LOG), publisher.open_value(VALUE)
            await eventually_async(lambda: link.is_connected)
            redis_server.kill()
            for number in range(1, 101):
                log.add(1, b"%d" % number)
                value.set(1, b"%d" % number)
            await eventually_async(lambda: not link.is_connected)
            redis_server.start()
            await eventually_async(lambda: link.is_connected and ear.listener.connected)
            log.add(1, b"101")
            value.set(1, b"101")
            await eventually_async(lambda: 101 in ear.entries)
            await eventually_async(lambda: ear.values[-1] == b"101")
    assert [entry["event"] for entry in logs].count("publishing_interrupted") == 1


async def test_it_waits_for_a_redis_that_is_not_there_yet(redis_server: RedisServer) -> None:
    redis_server.kill()
    with capture_logs() as logs:
        async with publishing(redis_server.url) as (publisher, link):
            publisher.open_value(VALUE).set(1, b"1")
            await eventually_async(lambda: logs)
            assert not link.is_connected
            redis_server.start()
            await eventually_async(lambda: link.is_connected)
    assert [entry["event"] for entry in logs] == ["publishing_interrupted"], "said, and once"


async def test_a_redis_that_swallows_everything_is_connected_to_anew(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "ANSWER_TIMEOUT_S", 0.2)
    with capture_logs():
        async with (
            tcp_proxy(redis_url) as proxy,
            an_ear(redis_url) as ear,
            publishing(proxy.url) as (publisher, _),
        ):
            log = publisher.open_log(LOG)
            log.add(1, b"1")
            await eventually_async(lambda: 1 in ear.entries)
            connections = proxy.connections
            proxy.passing.clear()
            log.add(1, b"2")
            await eventually_async(lambda: proxy.connections > connections)
            proxy.passing.set()
            log.add(1, b"3")
            await eventually_async(lambda: 3 in ear.entries)
            assert ear.entries == {1: b"1", 2: b"2", 3: b"3"}


async def test_it_answers_what_is_asked(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_ear(redis_url) as ear, publishing(redis_url) as (publisher, _):
            publisher.open_value(VALUE).set(1, b"1")
            await eventually_async(lambda: ear.values == [b"1"])
            await eventually_async(lambda: client.pubsub_numsub(KEYS.feeds_asked_channel)[0][1])
            client.publish(KEYS.feeds_asked_channel, encode(Ask((VALUE,))))
            await eventually_async(lambda: ear.values == [b"1", b"1"])
            heartbeats = len(ear.channels)
            client.publish(KEYS.feeds_asked_channel, encode(Ask()))
            await eventually_async(lambda: len(ear.channels) > heartbeats)


async def test_its_last_word_is_that_it_has_no_channels(redis_url: str) -> None:
    async with an_ear(redis_url) as ear:
        async with publishing(redis_url) as (publisher, _):
            publisher.open_value(VALUE)
            await eventually_async(lambda: [VALUE] in ear.channels)
        await eventually_async(lambda: ear.channels[-1] == [])


async def test_closing_leaves_nothing_behind(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with publishing(redis_url) as (_, link):
            await eventually_async(lambda: link.is_connected)
        await eventually_async(lambda: len(client.client_list()) == 1)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"listener", "publisher-link"}


async def test_closing_is_possible_while_nothing_answers() -> None:
    async with publishing("redis://127.0.0.1:9/0") as (publisher, _):
        publisher.open_value(VALUE).set(1, b"1")
        await asyncio.sleep(0)
