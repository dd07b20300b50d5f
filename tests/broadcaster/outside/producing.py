"""A producer inside the test, somebody who listens to it, and a real Redis in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import redis

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.outside.upstream import Upstream
from shared.channels import Keys
from shared.publishing import BookNow, Level, Publisher, PublisherLink
from tests.support.deadlines import eventually_async
from tests.support.lossy_bus import BOOK
from tests.support.screen import Screen, Shown

KEYS = Keys("test")


@asynccontextmanager
async def listening(redis_url: str) -> AsyncIterator[tuple[Upstream, Hub]]:
    hub = Hub()
    upstream = Upstream(redis_url, KEYS, hub, Cadence())
    await upstream.start()
    try:
        yield upstream, hub
    finally:
        await upstream.close()


class Producer:
    """A producer inside the test, with one book."""

    boots = count(1_000_000, 1_000_000)

    def __init__(self, redis_url: str, name: str = "test") -> None:
        self.publisher = Publisher(name, KEYS, boot_us=next(self.boots))
        self.link = PublisherLink(redis_url, KEYS, self.publisher)
        self.bids: dict[int, tuple[str, ...]] = {}
        self.book = self.publisher.open_book(BOOK, lambda: BookNow(self.bids.items(), []))

    def put(self, *levels: Level) -> None:
        """Change levels of the book."""
        self.bids.update(levels)
        self.book.change(1, levels)


@asynccontextmanager
async def producing(redis_url: str, name: str = "test") -> AsyncIterator[Producer]:
    producer = Producer(redis_url, name)
    await producer.link.start()
    try:
        yield producer
    finally:
        await producer.link.close()


def level(price: int, quantity: int) -> Level:
    return price, (str(price), str(quantity), "venue")


async def came(hub: Hub, *names: str) -> None:
    await eventually_async(lambda: hub.topics.keys() >= set(names))


async def shows(screen: Screen, name: str, sequence: int) -> Shown:
    """Read until the screen has reached a sequence."""

    def has_it() -> bool:
        screen.read()
        return screen.shown[name].sequence >= sequence

    await eventually_async(has_it)
    return screen.shown[name]


async def published_more(producer: Producer, messages: int = 1) -> None:
    wanted = producer.link.published + messages
    await eventually_async(lambda: producer.link.published >= wanted)


def subscribers_of(client: redis.Redis, name: str) -> int:
    [(_, number)] = client.pubsub_numsub(KEYS.feed_channel("test", name))
    return int(number)
