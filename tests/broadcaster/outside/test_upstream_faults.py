"""Channels of other producers: right again after whatever happens between them and us."""

import asyncio
import random
from contextlib import closing
from pathlib import Path

import pytest
import redis

from shared.publishing import presence
from tests.broadcaster.outside.producing import (
    KEYS,
    came,
    level,
    listening,
    producing,
    published_more,
    shows,
    subscribers_of,
)
from tests.support.deadlines import eventually_async
from tests.support.lossy_bus import BOOK, VALUE, LossyBus, RandomProducer
from tests.support.processes import Service
from tests.support.redis_server import RedisServer
from tests.support.screen import Screen
from tests.support.tcp_proxy import tcp_proxy

ROUNDS = 300


async def test_what_was_missed_while_the_connection_was_gone_is_made_up_for(redis_url: str) -> None:
    async with (
        tcp_proxy(redis_url) as proxy,
        producing(redis_url) as producer,
        listening(proxy.url) as (upstream, hub),
    ):
        await came(hub, BOOK)
        screen = Screen(hub.topics[BOOK])
        for price in range(1, 6):
            shown = await shows(screen, BOOK, producer.book.sequence)
            await proxy.refuse()
            producer.put(level(price, 1))
            await published_more(producer)
            await proxy.open()
            shown = await shows(screen, BOOK, producer.book.sequence)
            assert len(shown.bids) == price
            assert shown.reasons == ["", *["resync"] * price]
        assert upstream.metrics()["outside_gaps"] == 5
        assert screen.ended == []


async def test_a_connection_that_was_gone_for_nothing_costs_nobody_anything(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with (
            tcp_proxy(redis_url) as proxy,
            producing(redis_url) as producer,
            listening(proxy.url) as (upstream, hub),
        ):
            await came(hub, BOOK)
            screen = Screen(hub.topics[BOOK])
            await shows(screen, BOOK, producer.book.sequence)
            await proxy.refuse()
            await eventually_async(lambda: subscribers_of(client, BOOK) == 0)
            await proxy.open()
            # A change before Redis knows the new subscription would be one that was missed.
            await eventually_async(lambda: subscribers_of(client, BOOK) == 1)
            producer.put(level(1, 1))
            shown = await shows(screen, BOOK, producer.book.sequence)
            assert shown.reasons == [""]
            assert upstream.metrics()["outside_images_asked"] == 1


async def test_our_own_deafness_is_not_the_end_of_a_channel(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SILENCE_MAX_S", 1.5)
    async with (
        tcp_proxy(redis_url) as proxy,
        producing(redis_url) as producer,
        listening(proxy.url) as (_, hub),
    ):
        await came(hub, BOOK)
        screen = Screen(hub.topics[BOOK])
        await proxy.refuse()
        await published_more(producer, 3)
        await proxy.open()
        producer.put(level(1, 1))
        await shows(screen, BOOK, producer.book.sequence)
        assert screen.ended == []


async def test_a_redis_that_is_killed_and_comes_back_changes_nothing(
    redis_server: RedisServer,
) -> None:
    url = redis_server.url
    async with producing(url) as producer, listening(url) as (_, hub):
        await came(hub, BOOK)
        screen = Screen(hub.topics[BOOK])
        for price in range(1, 4):
            await shows(screen, BOOK, producer.book.sequence)
            redis_server.kill()
            producer.put(level(price, 1))
            redis_server.start()
            producer.put(level(50 + price, 1))
            shown = await shows(screen, BOOK, producer.book.sequence)
            assert len(shown.bids) == 2 * price
        assert screen.ended == []


async def test_a_subscription_that_redis_cuts_off_is_made_up_for(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with producing(redis_url) as producer, listening(redis_url) as (_, hub):
            await came(hub, BOOK)
            screen = Screen(hub.topics[BOOK])
            for price in range(1, 6):
                producer.put(level(price, 1))
                shown = await shows(screen, BOOK, producer.book.sequence)
                client.client_kill_filter(_type="pubsub")
            assert len(shown.bids) == 5


async def test_a_producer_that_is_killed_and_started_anew_is_followed_on(
    redis_url: str, tmp_path: Path
) -> None:
    names = ("book:program:one", "price:program", "trades:program:one")
    arguments = (redis_url, "test")
    program = Service("tests.support.outside_producer", tmp_path / "home", {}, arguments=arguments)
    async with listening(redis_url) as (_, hub):
        screen = Screen()
        for round_number in range(3):
            program.start()
            try:
                await came(hub, *names)
                for name in names:
                    screen.subscribe(hub.topics[name])
                lasts = {name: screen.shown[name].sequence for name in names}
                for name in names:
                    shown = await shows(screen, name, lasts[name] + 20)
                assert shown.entries == sorted(shown.entries)
                assert shown.reasons == ["", *["resync"] * round_number]
            finally:
                program.kill()
        assert screen.ended == []


async def test_a_producer_that_falls_silent_is_gone_and_who_listened_is_told(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SILENCE_MAX_S", 1.5)
    with redis.Redis.from_url(redis_url) as client:
        async with (
            tcp_proxy(redis_url) as proxy,
            producing(proxy.url) as producer,
            listening(redis_url) as (upstream, hub),
        ):
            await came(hub, BOOK)
            screen = Screen(hub.topics[BOOK])
            await shows(screen, BOOK, producer.book.sequence)
            await proxy.refuse()
            await eventually_async(lambda: screen.read() and screen.ended == [BOOK])
            assert hub.topics == {}
            await eventually_async(lambda: subscribers_of(client, BOOK) == 0)
            assert upstream.metrics()["upstream_channels"] == 0
            await proxy.open()
            await came(hub, BOOK)


class Wire:
    """A random producer whose messages, and what it is asked, go through a lossy bus."""

    def __init__(self, client: redis.Redis, seed: int) -> None:
        self.chance = random.Random(seed)
        self.producer = RandomProducer(KEYS, self.chance)
        self.bus = LossyBus(self.chance)
        self._client = client
        self._asked = client.pubsub()
        self._asked.subscribe(KEYS.feeds_asked_channel)
        self._at_s = 0.0

    def pass_on(self) -> None:
        """Publish what there is, and have the producer hear what it is asked."""
        self._at_s += 0.05
        for address, payload in self.bus.pass_on(self.producer.publisher.take(self._at_s)):
            self._client.publish(address, payload)
        while message := self._asked.get_message(ignore_subscribe_messages=True):
            self.producer.publisher.asked(message["data"])

    def close(self) -> None:
        self._asked.close()


@pytest.mark.parametrize("seed", range(3))
async def test_messages_that_are_lost_doubled_and_late_leave_nobody_wrong(
    redis_url: str, seed: int
) -> None:
    screen = Screen()
    with redis.Redis.from_url(redis_url) as client, closing(Wire(client, seed)) as wire:
        producer = wire.producer

        def goes_on() -> None:
            wire.pass_on()
            screen.read()

        def hears_all() -> bool:
            goes_on()
            return len(hub.topics) == 3

        def is_right() -> bool:
            goes_on()
            ends = {each.name: each.sequence for each in producer.publisher.channels.values()}
            return {name: shown.sequence for name, shown in screen.shown.items()} == ends

        async with listening(redis_url) as (upstream, hub):
            await eventually_async(hears_all)
            for topic in hub.topics.values():
                screen.subscribe(topic)
            for step in range(ROUNDS):
                wire.bus.fault_share = 0.2
                producer.change()
                goes_on()
                await asyncio.sleep(0)
                if step % 100 == 50:
                    producer.start()
            wire.bus.fault_share = 0.0
            await eventually_async(is_right)
            assert upstream.metrics()["outside_gaps"] > 0
    bids, asks = screen.shown[BOOK].sides()
    assert [(int(each[0]), each) for each in bids] == sorted(producer.bids.items())[::-1]
    assert [(int(each[0]), each) for each in asks] == sorted(producer.asks.items())
    assert screen.shown[VALUE].data == producer.values[producer.value.sequence]
