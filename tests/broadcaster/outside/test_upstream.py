"""Channels of other producers on a real Redis: heard only while somebody listens."""

import pytest
import redis

from broadcaster.outside import upstream as upstream_module
from shared.publishing import BookNow
from tests.broadcaster.outside.producing import (
    KEYS,
    came,
    level,
    listening,
    producing,
    shows,
    subscribers_of,
)
from tests.broadcaster.running import running
from tests.support.deadlines import eventually_async
from tests.support.lossy_bus import BOOK, LOG, VALUE
from tests.support.screen import Screen

ENTRIES = 10_000


async def test_a_channel_is_there_as_soon_as_its_producer_is_and_no_longer(redis_url: str) -> None:
    async with listening(redis_url) as (upstream, hub):
        assert hub.topics == {}
        async with producing(redis_url) as producer:
            await came(hub, BOOK)
            value = producer.publisher.open_value(VALUE)
            await came(hub, BOOK, VALUE)
            producer.publisher.close(value)
            await eventually_async(lambda: hub.topics.keys() == {BOOK})
            assert upstream.metrics()["outside_channels"] == 1
        await eventually_async(lambda: not hub.topics)


async def test_who_comes_later_hears_at_once_what_there_is(redis_url: str) -> None:
    async with producing(redis_url), listening(redis_url) as (_, hub):
        await came(hub, BOOK)


async def test_the_first_gets_the_image_when_it_has_come_and_the_next_at_once(
    redis_url: str,
) -> None:
    async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
        producer.put(level(100, 1), level(99, 2))
        await came(hub, BOOK)
        first = Screen(hub.topics[BOOK])
        assert first.read() == []
        shown = await shows(first, BOOK, producer.book.sequence)
        assert shown.bids == {"100": ("100", "1", "venue"), "99": ("99", "2", "venue")}
        assert shown.reasons == [""]
        second = Screen(hub.topics[BOOK])
        [snapshot] = second.read()
        assert snapshot["sequence"] == producer.book.sequence
        producer.put(level(100, 7))
        producer.put((99, ()))
        for screen in (first, second):
            shown = await shows(screen, BOOK, producer.book.sequence)
            assert shown.bids == {"100": ("100", "7", "venue")}
        assert upstream.metrics()["outside_gaps"] == 0
        assert upstream.metrics()["outside_images_asked"] == 1


async def test_a_channel_is_heard_only_while_somebody_listens(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "LINGER_S", 0.1)
    with redis.Redis.from_url(redis_url) as client:
        async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
            producer.publisher.open_value(VALUE)
            await came(hub, BOOK, VALUE)
            assert subscribers_of(client, BOOK) == subscribers_of(client, VALUE) == 0
            stays = Screen(hub.topics[VALUE])
            for price in range(1, 4):
                producer.put(level(price, price))
                screen = Screen(hub.topics[BOOK], hub.topics[BOOK])
                shown = await shows(screen, BOOK, producer.book.sequence)
                assert len(shown.bids) == price
                assert subscribers_of(client, BOOK) == 1
                screen.delivery.close()
                await eventually_async(lambda: subscribers_of(client, BOOK) == 0)
                assert subscribers_of(client, VALUE) == upstream.metrics()["upstream_channels"] == 1
                assert not hub.topics[BOOK].is_loaded
            stays.delivery.close()
            await eventually_async(lambda: subscribers_of(client, VALUE) == 0)


async def test_who_comes_back_soon_finds_the_channel_as_it_was(redis_url: str) -> None:
    async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
        await came(hub, BOOK)
        screen = Screen(hub.topics[BOOK])
        await shows(screen, BOOK, producer.book.sequence)
        for _ in range(50):
            screen.delivery.close()
            assert upstream.metrics()["upstream_channels"] == 1
            screen.subscribe(hub.topics[BOOK])
            [snapshot] = screen.read()
            assert snapshot["sequence"] == producer.book.sequence
        assert upstream.metrics()["outside_images_asked"] == 1


async def test_a_producer_that_says_farewell_takes_its_channels_with_it(redis_url: str) -> None:
    async with listening(redis_url) as (_, hub):
        async with producing(redis_url):
            await came(hub, BOOK)
            screen = Screen(hub.topics[BOOK])
        await eventually_async(lambda: screen.read() and screen.ended == [BOOK])
        async with producing(redis_url) as producer:
            await came(hub, BOOK)
            screen.subscribe(hub.topics[BOOK])
            await shows(screen, BOOK, producer.book.sequence)


async def test_of_a_log_nothing_is_left_out_while_all_is_well(redis_url: str) -> None:
    async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
        log = producer.publisher.open_log(LOG)
        await came(hub, LOG)
        screen = Screen(hub.topics[LOG])
        await shows(screen, LOG, log.sequence)
        for number in range(ENTRIES):
            log.add(number, b"%d" % number)
            if number % 100 == 0:
                await shows(screen, LOG, log.sequence)
        shown = await shows(screen, LOG, log.sequence)
        assert shown.entries == list(range(ENTRIES))
        assert shown.reasons == [""]
        assert upstream.metrics()["outside_gaps"] == producer.publisher.dropped_entries == 0


async def test_a_value_of_which_nothing_was_said_yet_comes_when_it_is(redis_url: str) -> None:
    async with producing(redis_url) as producer, listening(redis_url) as (_, hub):
        value = producer.publisher.open_value(VALUE)
        await came(hub, VALUE)
        screen = Screen(hub.topics[VALUE])
        value.set(5, b'{"price":"1.5"}')
        shown = await shows(screen, VALUE, value.sequence)
        assert shown.data == {"price": "1.5"}


async def test_who_does_not_answer_is_not_asked_again_at_once_and_keeps_nobody_waiting(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "IMAGE_RETRY_S", 1_000.0)
    async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
        count = 2 * upstream_module.IMAGES_ASKED_MAX
        for number in range(count):
            producer.publisher.open_value(f"price:{number}")
        await eventually_async(lambda: len(hub.topics) == count + 1)
        screen = Screen()
        for number in range(count):
            screen.subscribe(hub.topics[f"price:{number}"])
            await eventually_async(
                lambda: upstream.metrics()["outside_images_asked"] == len(screen.shown)
            )
        screen.subscribe(hub.topics[BOOK])
        await shows(screen, BOOK, producer.book.sequence)
        assert upstream.metrics()["outside_images_asked"] == count + 1


async def test_what_cannot_be_read_is_passed_over_and_counted(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
            await came(hub, BOOK)
            screen = Screen(hub.topics[BOOK])
            await shows(screen, BOOK, producer.book.sequence)
            client.publish(KEYS.feeds_channel, b"what?")
            client.publish(KEYS.feed_channel("test", BOOK), b"\xc1")
            client.publish(KEYS.feeds_asked_channel, b"\x00")
            producer.put(level(1, 1))
            await shows(screen, BOOK, producer.book.sequence)
            await eventually_async(lambda: upstream.metrics()["outside_unreadable"] == 2)
            await eventually_async(lambda: producer.publisher.unreadable == 1)


async def test_images_of_many_channels_are_asked_for_a_few_at_a_time(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "IMAGES_ASKED_MAX", 3)
    monkeypatch.setattr(upstream_module, "ROUND_S", 1_000.0)  # Each makes room for the next.
    async with producing(redis_url) as producer, listening(redis_url) as (upstream, hub):
        names = [f"trades:many:{number}" for number in range(50)]
        logs = [producer.publisher.open_log(name) for name in names]
        await came(hub, *names)
        screen = Screen(*(hub.topics[name] for name in names))
        for log in logs:
            await shows(screen, log.name, log.sequence)
        assert upstream.metrics()["outside_images_asked"] == 50
        assert upstream.metrics()["upstream_channels"] == 50


async def test_over_a_socket_a_pattern_shows_every_channel_and_those_that_come(
    redis_url: str,
) -> None:
    async with producing(redis_url) as producer, running(redis_url) as venue:
        producer.put(level(100, 1), level(99, 2))
        await came(venue.hub, BOOK)
        client = await venue.client("book:*")
        snapshot = await client.next()
        assert (snapshot["type"], snapshot["channel"]) == ("snapshot", BOOK)
        assert snapshot["bids"] == [["100", "1", "venue"], ["99", "2", "venue"]]
        assert snapshot["levels"] == 5, "the producer's default"
        producer.publisher.open_book("book:test:two", lambda: BookNow([level(7, 7)], []))
        snapshot = await client.next()
        assert (snapshot["channel"], snapshot["bids"]) == ("book:test:two", [["7", "7", "venue"]])
        await client.connection.close()


async def test_over_a_socket_a_channel_is_unknown_until_it_is_there_and_its_end_is_told(
    redis_url: str,
) -> None:
    async with running(redis_url) as venue:
        client = await venue.client()
        for name in (VALUE, "trades:test:x"):
            answer = await client.ask(op="subscribe", channels=[name])
            assert answer["code"] == "UNKNOWN_CHANNEL"
        async with producing(redis_url) as producer:
            producer.publisher.open_value(VALUE).set(5, b'{"price":"1.50"}')
            await came(venue.hub, VALUE)
            assert (await client.ask(op="subscribe", channels=[VALUE]))["op"] == "subscribed"
            value = await client.next()
            assert (value["at_ns"], value["data"]) == (5, {"price": "1.50"})
        assert await client.next() == {"op": "unsubscribed", "id": None, "channels": [VALUE]}
        await client.connection.close()
