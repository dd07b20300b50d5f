"""Listening through every reconnect: a gap is told before any message, and nothing is lost in
between.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis
from structlog.testing import capture_logs

from shared import listener as listener_module
from shared.listener import Listener
from tests.support.deadlines import DEADLINE_S, eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy

GAP = ("gap", b"")


class Ear:
    """A listener on channels `one` and `two` that writes down all it is told, in order."""

    def __init__(self, url: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.listener = Listener(
            url,
            {name: self._hearing(name) for name in ("one", "two")},
            on_gap=lambda: self.heard.append(GAP),
        )

    def add(self, name: str) -> None:
        self.listener.add(name, self._hearing(name))

    def _hearing(self, name: str) -> listener_module.Handler:
        return lambda data: self.heard.append((name, data))

    @property
    def gaps(self) -> int:
        return self.heard.count(GAP)

    def said(self, channel: str) -> list[bytes]:
        return [data for name, data in self.heard if name == channel]


@asynccontextmanager
async def an_ear(url: str) -> AsyncIterator[Ear]:
    ear = Ear(url)
    await ear.listener.start()
    try:
        yield ear
    finally:
        await ear.listener.close()


async def hear(ear: Ear, count: int) -> None:
    await eventually_async(lambda: len(ear.heard) >= count)


async def test_a_listener_that_is_closed_while_it_connects_ends(redis_url: str) -> None:
    for moment in range(20):
        listener = Listener(redis_url, {"channel": lambda _: None})
        await listener.start()
        for _ in range(moment):
            await asyncio.sleep(0)
        await asyncio.wait_for(listener.close(), DEADLINE_S)


async def test_messages_reach_their_handlers_in_the_order_of_publishing(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_ear(redis_url) as ear:
            await eventually_async(lambda: ear.listener.connected)
            wanted = [(("one", "two")[i % 3 == 0], b"%d" % i) for i in range(500)]
            for name, data in wanted:
                client.publish(name, data)
            await hear(ear, 501)
            assert ear.heard == [GAP, *wanted]


async def test_it_waits_for_a_redis_that_is_not_there_yet(redis_server: RedisServer) -> None:
    redis_server.kill()
    async with an_ear(redis_server.url) as ear:
        await asyncio.sleep(0)
        assert not ear.listener.connected
        redis_server.start()
        await eventually_async(lambda: ear.listener.connected)
        assert ear.heard == [GAP]


async def test_after_every_connection_a_gap_is_told_before_any_message(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
            for round_number in range(1, 6):
                await eventually_async(lambda: ear.listener.connected)
                client.publish("one", b"%d" % round_number)
                await hear(ear, 2 * round_number)
                assert ear.heard[-2:] == [GAP, ("one", b"%d" % round_number)]
                proxy.cut()
                await eventually_async(lambda: not ear.listener.connected)


async def test_a_restarted_redis_is_heard_again(redis_server: RedisServer) -> None:
    async with an_ear(redis_server.url) as ear:
        for count in (1, 2, 3):
            await eventually_async(lambda: ear.listener.connected)
            assert ear.gaps == count
            redis_server.kill()
            await eventually_async(lambda: not ear.listener.connected)
            redis_server.start()


async def test_a_long_silence_is_borne_without_a_word_or_a_new_connection(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SILENCE_MAX_S", 0.2)
    with redis.Redis.from_url(redis_url) as client, capture_logs() as logs:
        async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
            await eventually_async(lambda: proxy.requests > 8)
            client.publish("one", b"still there")
            await hear(ear, 2)
            assert ear.heard == [GAP, ("one", b"still there")]
            assert proxy.connections == 1
            assert len(client.client_list(_type="pubsub")) == 1
    assert logs == []


async def test_a_message_in_front_of_the_answer_to_a_ping_is_heard(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SILENCE_MAX_S", 2.0)
    with redis.Redis.from_url(redis_url) as client:
        async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
            await eventually_async(lambda: ear.listener.connected)
            requests = proxy.requests
            proxy.passing.clear()
            client.publish("one", b"just before")
            await eventually_async(lambda: proxy.requests > requests)
            proxy.passing.set()
            await hear(ear, 2)
            assert ear.heard == [GAP, ("one", b"just before")]


async def test_a_connection_that_swallows_everything_is_replaced(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SILENCE_MAX_S", 0.3)
    async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
        await eventually_async(lambda: ear.listener.connected)
        proxy.passing.clear()
        await eventually_async(lambda: not ear.listener.connected)
        proxy.passing.set()
        await eventually_async(lambda: ear.gaps == 2)


async def test_a_subscription_that_is_never_confirmed_is_tried_anew(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SILENCE_MAX_S", 0.2)
    async with tcp_proxy(redis_url) as proxy:
        proxy.passing.clear()
        async with an_ear(proxy.url) as ear:
            await eventually_async(lambda: proxy.connections == 2)
            assert ear.heard == []
            proxy.passing.set()
            await eventually_async(lambda: ear.listener.connected)


async def test_a_lost_subscription_is_logged_once_however_long_it_lasts(redis_url: str) -> None:
    with capture_logs() as logs:
        async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
            await eventually_async(lambda: ear.listener.connected)
            await proxy.refuse()
            await eventually_async(lambda: not ear.listener.connected)
            await proxy.open()
            await eventually_async(lambda: ear.listener.connected)
    assert [entry["event"] for entry in logs] == ["subscription_lost"]


async def test_a_channel_may_be_added_and_left_while_it_listens(redis_url: str) -> None:
    heard: list[str] = []
    with redis.Redis.from_url(redis_url) as client:
        listener = Listener(
            redis_url, {"one": lambda data: None}, on_subscribed=lambda name: heard.append(name)
        )
        await listener.start()
        try:
            await eventually_async(lambda: listener.connected)
            for round_number in range(3):
                listener.add("more", lambda data: heard.append(data.decode()))
                await eventually_async(lambda: heard == ["more"])
                client.publish("more", b"said")
                await eventually_async(lambda: heard == ["more", "said"])
                listener.leave("more")
                await eventually_async(lambda: client.pubsub_numsub("more")[0][1] == 0)
                heard.clear()
                assert client.publish("more", b"%d" % round_number) == 0
        finally:
            await listener.close()


async def test_a_channel_that_was_added_is_heard_after_every_reconnect_too(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with tcp_proxy(redis_url) as proxy, an_ear(proxy.url) as ear:
            ear.add("early")
            await eventually_async(lambda: ear.listener.connected)
            ear.add("late")
            for round_number in range(3):
                await eventually_async(lambda: client.pubsub_numsub("late")[0][1] == 1)
                await eventually_async(lambda: ear.listener.connected)
                for name in ("early", "late"):
                    client.publish(name, b"%d" % round_number)
                await hear(ear, 3 * (round_number + 1))
                proxy.cut()
                await eventually_async(lambda: not ear.listener.connected)
            assert ear.said("early") == ear.said("late") == [b"0", b"1", b"2"]


async def test_a_channel_that_is_left_before_it_was_confirmed_is_not_heard(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_ear(redis_url) as ear:
            ear.add("early")
            ear.listener.leave("early")
            await eventually_async(lambda: ear.listener.connected)
            for _ in range(10):
                ear.add("late")
                ear.listener.leave("late")
                ear.listener.leave("never")
            client.publish("one", b"the end")
            await hear(ear, 2)
            assert ear.heard == [GAP, ("one", b"the end")]
            assert client.pubsub_numsub("early", "late") == [(b"early", 0), (b"late", 0)]


async def test_a_burst_larger_than_a_chunk_is_heard_whole_and_leaves_room_for_others(
    redis_url: str,
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_ear(redis_url) as ear:
            await eventually_async(lambda: ear.listener.connected)
            big = b"x" * 1_000_000
            with client.pipeline(transaction=False) as pipeline:
                for number in range(5_000):
                    pipeline.publish("one", b"%d" % number)
                pipeline.publish("two", big)
                pipeline.execute()
            seen: list[int] = []
            while len(ear.heard) < 5_002:
                seen.append(len(ear.heard))
                await asyncio.sleep(0)
            assert ear.said("one") == [b"%d" % number for number in range(5_000)]
            assert ear.said("two") == [big]
            assert len(set(seen)) > 3, "somebody else had a turn in between"


async def test_closing_ends_its_task_and_its_connection(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_ear(redis_url) as ear:
            await eventually_async(lambda: ear.listener.connected)
            assert len(client.client_list(_type="pubsub")) == 1
        await eventually_async(lambda: not client.client_list(_type="pubsub"))
    assert not ear.listener.connected
    assert [task for task in asyncio.all_tasks() if task.get_name() == "listener"] == []


async def test_closing_is_possible_while_nothing_answers() -> None:
    async with an_ear("redis://127.0.0.1:9/0"):
        await asyncio.sleep(0)


async def test_closing_what_never_started_is_nothing(redis_url: str) -> None:
    await Ear(redis_url).listener.close()
