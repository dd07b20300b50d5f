"""The whole aggregator against simulated venues and a real Redis: what a follower sees."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio

from aggregator import service
from aggregator.choosing import make_desks, taker_fees
from aggregator.merge import MergeOptions
from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from aggregator.registry import load_connectors
from aggregator.service import Aggregator, metrics_name, producer_of
from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.listener import Listener
from shared.operating_outside import ask_to_resume
from shared.publishing import BookChange, BookImage, LogEntries, ValueNow, decode_publication
from shared.settings import Settings
from tests.support.deadlines import eventually_async

VENUE = "test"
KEYS = Keys(VENUE)
DEADLINE_S = 30.0


@pytest.fixture
async def venues() -> AsyncIterator[VenuesServer]:
    server = VenuesServer(load_speakers())
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


class Follower:
    """What was published last on some channels, whichever aggregator has them."""

    def __init__(self, redis_url: str, *names: str) -> None:
        self.values: dict[str, Any] = {}  # The last value, or the last info of a book.
        self.levels: dict[str, int] = {}  # How many bids the last image of a book had.
        self.entries: dict[str, list[Any]] = {name: [] for name in names}
        handlers = {
            KEYS.feed_channel(producer_of(number), name): self._hear(name)
            for name in names
            for number in (1, 2)
        }
        self.listener = Listener(redis_url, handlers)

    def _hear(self, name: str) -> Any:
        def hear(data: bytes) -> None:
            said = decode_publication(data)
            if isinstance(said, ValueNow):
                self.values[name] = json.loads(said.data)
            elif isinstance(said, LogEntries):
                self.entries[name] += [json.loads(entry.data) for entry in said.entries]
            elif isinstance(said, BookImage | BookChange):
                if isinstance(said, BookImage):
                    self.levels[name] = len(said.bids)
                if said.info:
                    self.values[name] = json.loads(said.info)

        return hear

    def is_now(self, name: str, key: str, wanted: object) -> bool:
        return bool(name in self.values and self.values[name][key] == wanted)


@asynccontextmanager
async def following(redis_url: str, *names: str) -> AsyncIterator[Follower]:
    follower = Follower(redis_url, *names)
    await follower.listener.start()
    try:
        await eventually_async(lambda: follower.listener.connected)
        yield follower
    finally:
        await follower.listener.close()


def settings_of(address: str, **changes: Any) -> Settings:
    return Settings(
        venue=VENUE,
        venues_address=address,
        aggregator_port=choose_port(),
        flights_kept=0,
        **{"venues": "kraken:spot,coinbase:spot", "outside_pairs": "BTC/USD", **changes},
    )


@asynccontextmanager
async def aggregating(
    settings: Settings, redis_url: str, number: int = 1
) -> AsyncIterator[Aggregator]:
    connectors = load_connectors()
    desks = make_desks(settings, settings.feeds_of(number), connectors)
    merging = MergeOptions(settings.quotes, taker_fees(settings, connectors))
    aggregator = Aggregator(settings, number, redis_url, desks, merging=merging)
    await aggregator.start()
    try:
        yield aggregator
    finally:
        await aggregator.close()


async def page(settings: Settings, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.aggregator_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body


def measured(seen: Follower) -> set[str]:
    stages = seen.values["metrics"]["parts"]["stages_us"]["kraken:spot"]
    return {stage for stage, times in stages.items() if times["count"]}


async def test_books_trades_states_and_figures_of_all_venues_are_published(
    redis_url: str, venues: VenuesServer
) -> None:
    settings = settings_of(f"127.0.0.1:{venues.port}")
    book, merged = "kraken:spot:BTC/USD", "book:consolidated:BTC/USD"
    names = [f"{kind}:{book}" for kind in ("book", "bbo", "trades", "price", "signals")]
    names += [merged, "trades:consolidated:BTC/USD", "status:kraken", "metrics"]
    async with following(redis_url, *names) as seen, aggregating(settings, redis_url):
        await eventually_async(
            lambda: seen.is_now(merged, "books", ["coinbase:spot:BTC/USD", book]), DEADLINE_S
        )
        await eventually_async(lambda: seen.is_now(f"bbo:{book}", "state", "live"), DEADLINE_S)
        await eventually_async(lambda: seen.is_now("status:kraken", "state", "live"), DEADLINE_S)
        await eventually_async(lambda: bool(seen.entries[f"trades:{book}"]), DEADLINE_S)
        await eventually_async(lambda: "metrics" in seen.values, DEADLINE_S)
        await eventually_async(lambda: f"price:{book}" in seen.values, DEADLINE_S)
        await eventually_async(lambda: measured(seen) >= {"receive", "parse", "publish"})
        tape = seen.entries["trades:consolidated:BTC/USD"]
        assert seen.entries[f"trades:{book}"][0] in tape
        assert seen.levels[f"book:{book}"] == 10
        assert seen.values[f"book:{book}"]["evidence"] == "checksum"
        parts = seen.values["metrics"]["parts"]
        queue = parts["queues"]["frames kraken:spot"]
        assert queue["put"] == queue["taken"] + queue["waiting"] > 0
        assert parts["feeds"]["kraken:spot"]["frames"] >= queue["put"]
        figures = parts["books"][book]
        assert (figures["mismatched"], figures["gaps"]) == (0, 0)
        for path in ("/health", "/ready"):
            assert (await page(settings, path))[0] == 200
        assert (
            b'rialto_aggregator_book_verified{book="kraken:spot:BTC/USD"}'
            in ((await page(settings, "/metrics"))[1])
        )


async def test_what_was_put_off_when_it_ends_is_not_said_on_channels_that_are_closed(
    redis_url: str, venues: VenuesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given consolidated books that wait for longer than an end takes
    monkeypatch.setattr(service, "MORE_S", 1.0)
    faults: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, fault: faults.append(fault))
    settings = settings_of(f"127.0.0.1:{venues.port}")
    async with following(redis_url, "bbo:kraken:spot:BTC/USD") as seen:
        async with aggregating(settings, redis_url) as aggregator:
            name = "bbo:kraken:spot:BTC/USD"
            await eventually_async(lambda: seen.is_now(name, "state", "live"), DEADLINE_S)
            await eventually_async(lambda: aggregator.outlet.is_more_to_say, DEADLINE_S)
        # when it has ended, and its time comes: timers go off in their order
        is_over = asyncio.Event()
        loop.call_later(service.MORE_S, is_over.set)
        await asyncio.wait_for(is_over.wait(), DEADLINE_S)
    # then nothing is left that could go wrong
    assert faults == []


async def test_without_any_venue_it_is_ready_and_says_how_they_do(redis_url: str) -> None:
    settings = settings_of(f"127.0.0.1:{choose_port()}")
    async with (
        following(redis_url, "status:kraken", "book:consolidated:BTC/USD") as seen,
        aggregating(settings, redis_url) as aggregator,
    ):
        await eventually_async(lambda: aggregator.is_ready)
        assert (await page(settings, "/ready"))[0] == 200
        await eventually_async(lambda: "status:kraken" in seen.values)
        assert seen.values["status:kraken"]["state"] in ("connecting", "breaker_open")


async def test_a_process_that_ends_makes_only_its_venues_stale(
    redis_url: str, venues: VenuesServer
) -> None:
    settings = settings_of(
        f"127.0.0.1:{venues.port}", aggregators=2, aggregator_venues="coinbase,kraken"
    )
    name = "book:consolidated:BTC/USD"
    both = ["coinbase:spot:BTC/USD", "kraken:spot:BTC/USD"]
    async with following(redis_url, name) as seen, aggregating(settings, redis_url):
        async with aggregating(settings, redis_url, number=2):
            await eventually_async(lambda: seen.is_now(name, "books", both), DEADLINE_S)
            # The fees of the other one's venue, too.
            assert seen.values[name]["taker_fees_ppm"] == [12_000, 4_000]
        await eventually_async(
            lambda: [each["state"] for each in seen.values[name]["left_out"]] == ["stale"]
        )
        assert seen.values[name]["books"] == both[:1]
        assert seen.values[name]["left_out"][0]["book"] == both[1]
        async with aggregating(settings, redis_url, number=2):
            await eventually_async(lambda: seen.is_now(name, "books", both), DEADLINE_S)


async def test_a_halted_feed_goes_on_when_an_operator_says_so(
    redis_url: str, venues: VenuesServer
) -> None:
    settings = settings_of(f"127.0.0.1:{venues.port}")
    async with (
        following(redis_url, "status:kraken", "status:coinbase") as seen,
        aggregating(settings, redis_url) as aggregator,
    ):
        await eventually_async(lambda: seen.is_now("status:kraken", "state", "live"), DEADLINE_S)
        aggregator.fleet.halt("kraken:spot", "too many failures")
        await eventually_async(lambda: seen.is_now("status:kraken", "state", "halted"))
        status, body = await page(settings, "/status")
        assert {feed["feed"]: feed["state"] for feed in json.loads(body)}["kraken:spot"] == "halted"
        assert seen.values["status:coinbase"]["state"] != "halted"
        heard = await asyncio.to_thread(ask_to_resume, redis_url, VENUE, "kraken:spot")
        assert (heard, status) == (1, 200)
        await eventually_async(lambda: seen.is_now("status:kraken", "state", "live"), DEADLINE_S)


async def test_an_order_that_cannot_be_read_changes_nothing(redis_url: str) -> None:
    settings = settings_of(f"127.0.0.1:{choose_port()}")
    async with aggregating(settings, redis_url) as aggregator:
        aggregator.fleet.halt("kraken:spot", "too many failures")
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            await eventually_async(lambda: aggregator.is_ready)
            for order in (b"resume", b'{"type":"resume","feed":7}', b'{"type":"halt"}'):
                await client.publish(KEYS.aggregator_channel, order)
            # What comes after has been heard by then, and so have the others.
            await client.publish(
                KEYS.aggregator_channel, b'{"type":"resume","feed":"coinbase:spot"}'
            )
        assert aggregator.fleet.status()["kraken:spot"].state == "halted"


async def test_a_book_is_not_said_to_be_proven_by_what_nobody_asks_for(
    redis_url: str, venues: VenuesServer
) -> None:
    settings = settings_of(
        f"127.0.0.1:{venues.port}",
        venues="binance:spot",
        outside_pairs="BTC/USDT",
        outside_events="book,trades",
    )
    name = "book:binance:spot:BTC/USDT"
    async with following(redis_url, name) as seen, aggregating(settings, redis_url):
        await eventually_async(lambda: seen.is_now(name, "state", "live"), DEADLINE_S)
        assert seen.values[name]["evidence"] == "chain"


def test_what_is_published_is_named_after_the_process() -> None:
    named: Mapping[int, str] = {number: producer_of(number) for number in (1, 2)}
    assert named == {1: "aggregator", 2: "aggregator-2"}
    assert [metrics_name(name) for name in named.values()] == ["metrics", "metrics:aggregator-2"]
