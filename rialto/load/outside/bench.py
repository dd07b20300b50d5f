"""`rialto bench aggregator`: what a frame of a venue costs, and how old it is when a client has it.

The rule of this file: real processes, a real Redis and real sockets; each scene has an aggregator
of its own. The venues are recordings, or a simulation that speaks their protocols.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from rialto.load.outside.figures import (
    Parts,
    frames,
    note_ages,
    note_publishing,
    of_books,
    read_parts,
)
from rialto.load.outside.rows import Series
from rialto.load.outside.watching import Watcher, stop_all
from rialto.probes import http_answers
from rialto.service import ServiceSpec
from rialto.services import exchange_specs, module_argv, urls
from rialto.throwaway import Throwaway, running
from shared.settings import Settings

PARTS: frozenset[str] = frozenset()  # Broadcaster and aggregators are started scene by scene.
FEEDS = ("binance:spot", "bybit:linear", "kraken:spot", "coinbase:spot")

BUSY_MOVES_PER_S = 25.0  # Of each of 36 books: some 1,000 frames a second in all.
CALM_MOVES_PER_S = 10.0
CLIENTS = 10
SAMPLE_S = 1.0
METRICS_S = 3.0  # The channel speaks once a second.
MB = 1_000_000
PUBLISH_SENTENCE = (
    "Received to publish: from the moment when a frame has been read from the venue's socket until "
    "the socket of Redis has what is said of it, of every round in which its feed's books have "
    "changed, their snapshots at the beginning included."
)
FLOODED = "bybit-v5-linear-and-spot.jsonl.xz"
PLAYED = (
    "binance-spot-btcusdt.jsonl.xz",
    "binance-usdm-btcusdt.jsonl.xz",
    "bybit-v5-linear-and-spot.jsonl.xz",
    "coinbase-advanced-trade.jsonl.xz",
    "kraken-spot-btcusd-depth10.jsonl.xz",
)


class Scene(StrEnum):
    """What can be measured by itself."""

    STAGES = "stages"
    PUBLISH = "publish"
    CLIENT = "client"
    THROUGHPUT = "throughput"
    STREAMS = "streams"


class Size(NamedTuple):
    """How much is measured."""

    rounds: int = 3
    warm_up_s: float = 5.0  # Books begin, caches fill.
    play_s: float = 25.0
    client_s: float = 15.0
    flood_s: float = 10.0
    streams_s: float = 600.0
    judges_speed: bool = True


QUICK = Size(
    rounds=1,
    warm_up_s=1.0,
    play_s=3.0,
    client_s=1.0,
    flood_s=1.0,
    streams_s=4.0,
    judges_speed=False,
)


async def measure(
    place: Throwaway,
    size: Size,
    scenes: Collection[Scene],
    captures: Path | None,
    series: Series,
) -> None:
    """Measure an aggregator; raises RialtoError when it cannot be finished."""
    bench = _Bench(place, size, captures, series)
    if Scene.PUBLISH in scenes and captures:
        series.definitions.append(PUBLISH_SENTENCE)
    for number in range(size.rounds):
        if Scene.PUBLISH in scenes and captures:
            await bench.measure_publish()
        if Scene.CLIENT in scenes:
            await bench.measure_client()
        if Scene.THROUGHPUT in scenes and captures:
            await bench.measure_throughput(metrics_first=number % 2 == 0)
    if Scene.STREAMS in scenes:
        await bench.measure_streams()


class _Process:
    """A process that is watched."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        of_children = (child.memory_info().rss for child in self._process.children())
        return float(self._process.memory_info().rss + sum(of_children)) / MB


class _Bench:
    def __init__(self, place: Throwaway, size: Size, captures: Path | None, series: Series) -> None:
        self._place = place
        self._size = size
        self._captures = captures or Path()
        self.series = series

    # ---- scenes ----

    async def measure_publish(self) -> None:
        """Recorded venues at their own pace: from the socket until publishing is under way."""
        arguments = [word for name in PLAYED for word in ("--capture", str(self._captures / name))]
        changes = {
            "venues": ",".join((*FEEDS, "binance:linear", "bybit:spot")),
            "outside_pairs": "BTC/USDT,coinbase:spot=BTC/USD,kraken:spot=BTC/USD",
        }
        async with (
            self._venues(arguments),
            self._part("aggregator", changes),
            self._watched() as watcher,
        ):
            await asyncio.sleep(self._size.play_s)
            note_publishing(self.series, await _next_parts(watcher))

    async def measure_client(self) -> None:
        """A thousand frames a second: from the venue's socket to a client's WebSocket."""
        async with (
            self._venues(["--rate", str(BUSY_MOVES_PER_S)]),
            self._part("aggregator", {"venues": ",".join(FEEDS)}) as aggregator,
        ):
            async with self._watched("book:*", "trades:*") as watcher:
                await asyncio.sleep(self._size.warm_up_s)
                watcher.ages_ns.clear()
                before, began_s = aggregator.cpu_s(), time.monotonic()
                await asyncio.sleep(self._size.client_s)
                took_s = time.monotonic() - began_s
                ages_ns, cpu_s = list(watcher.ages_ns), aggregator.cpu_s() - before
                parts = await _next_parts(watcher)
            note_ages(self.series, ages_ns)
            self.series.note("client messages", len(ages_ns) / took_s)
            self.series.note("client frames", of_books(parts, "messages_per_s"))
            self.series.note("client cpu", 100 * cpu_s / took_s)

    async def measure_throughput(self, *, metrics_first: bool) -> None:
        """A venue that says as much as is taken, with metrics and without."""
        changes = {
            "venues": "bybit:linear,bybit:spot",
            "outside_depths": "bybit:linear=200,bybit:spot=200",
            "outside_pairs": "bybit:linear=BTC/USDT+ETH/USDT+SOL/USDT+DOGE/USDT,"
            "bybit:spot=BTC/USDT+ETH/USDT",
        }
        for metrics in (metrics_first, not metrics_first):
            await self._flood({**changes, "metrics_enabled": metrics})

    async def _flood(self, changes: Mapping[str, object]) -> None:
        name = "flood" if changes["metrics_enabled"] else "flood unmeasured"
        async with (
            self._flooding_venue(),
            self._part("aggregator", changes) as aggregator,
        ):
            async with self._watched() as watcher:
                await asyncio.sleep(self._size.warm_up_s)
                began = await _next_parts(watcher)
                before, began_s = aggregator.cpu_s(), time.monotonic()
                await asyncio.sleep(self._size.flood_s)
                parts = await _next_parts(watcher)
                took_s, cpu_s = time.monotonic() - began_s, aggregator.cpu_s() - before
            count = frames(parts) - frames(began)
            self.series.note(f"{name} per s", count / took_s)
            self.series.note(f"{name} per cpu s", count / max(cpu_s, 0.01))
            updates = of_books(parts, "updates") - of_books(began, "updates")
            self.series.note(f"{name} updates", updates / took_s)
            for count_name in ("mismatched", "gaps"):
                self.series.note(f"flood {count_name}", of_books(parts, count_name))

    async def measure_streams(self) -> None:
        """36 streams for some minutes: memory."""
        venues = self._venues(["--rate", str(CALM_MOVES_PER_S)])
        redis = _Process(self._place.pids["redis"])
        async with venues, self._part("aggregator", {"venues": ",".join(FEEDS)}) as aggregator:
            empty_mb = redis.rss_mb()
            async with self._part("broadcaster", {}) as broadcaster:
                watchers = [Watcher() for _ in range(CLIENTS)]
                url = urls(self._place.settings)["ws"]
                tasks = [
                    asyncio.create_task(one.watch(url, ["book:*", "metrics"], keeps_ages=False))
                    for one in watchers
                ]
                try:
                    await self._watch_memory(aggregator, broadcaster, redis, empty_mb)
                finally:
                    await stop_all(tasks)
                parts = _parts(watchers[0])
        live = sum(book["state"] == "live" for book in parts["books"].values())
        self.series.note("streams live", live)
        self.series.note("streams mismatched", of_books(parts, "mismatched"))
        self.series.note("streams resyncs", of_books(parts, "resyncs"))
        self.series.note("streams repaired", sum(one.repaired for one in watchers))

    async def _watch_memory(
        self, aggregator: _Process, broadcaster: _Process, redis: _Process, empty_mb: float
    ) -> None:
        deadline_s = time.monotonic() + self._size.streams_s
        own: list[float] = []
        together: list[float] = []
        while time.monotonic() < deadline_s:
            await asyncio.sleep(SAMPLE_S)
            own.append(aggregator.rss_mb())
            shared = max(redis.rss_mb() - empty_mb, 0)
            together.append(own[-1] + broadcaster.rss_mb() + shared)
        fifth = max(len(own) // 5, 1)
        # What is still taken at the end, against after the first fifth, when all has begun.
        growth = own[-1] - own[min(fifth, len(own) - 1)]
        self.series.note("streams rss", max(own))
        self.series.note("streams growth", growth)
        self.series.note("streams together", max(together))

    # ---- processes ----

    @contextlib.asynccontextmanager
    async def _part(self, name: str, changes: Mapping[str, object]) -> AsyncIterator[_Process]:
        settings = msgspec.structs.replace(self._place.settings, **changes)
        environ = {**self._place.environ, **_variables(changes)}
        specs = exchange_specs(settings, environ, self._place.redis_url, ())
        [spec] = [spec for spec in specs if spec.name == name]
        if name == "broadcaster":
            door = (settings.ws_host, settings.ws_port)
            spec = dataclasses.replace(spec, ready=http_answers(*door, "/ready", status="200"))
        async with running(spec, self._place.home) as part:
            yield _Process(part.child.pid)

    @contextlib.asynccontextmanager
    async def _venues(self, arguments: Sequence[str]) -> AsyncIterator[None]:
        host, _, port = self._place.settings.venues_address.rpartition(":")
        words = ("venues", "--host", host, "--port", port, *arguments)
        async with self._other("venues", module_argv("rialto", *words)):
            yield

    @contextlib.asynccontextmanager
    async def _flooding_venue(self) -> AsyncIterator[None]:
        port = self._place.settings.venues_address.rpartition(":")[2]
        words = (port, str(self._captures / FLOODED))
        async with self._other("flood", module_argv("rialto.load.outside.flood", *words)):
            yield

    @contextlib.asynccontextmanager
    async def _other(self, name: str, argv: tuple[str, ...]) -> AsyncIterator[None]:
        host, _, port = self._place.settings.venues_address.rpartition(":")
        ready = http_answers(host, int(port), "/health")
        spec = ServiceSpec(name=name, argv=argv, environ=self._place.environ, ready=ready)
        async with running(spec, self._place.home):
            yield

    @contextlib.asynccontextmanager
    async def _watched(self, *channels: str) -> AsyncIterator[Watcher]:
        """Give a client of a broadcaster of its own, who hears of every change at once."""
        wishes = [{"channel": name, "interval_ms": 0} for name in channels]
        watcher = Watcher()
        async with self._part("broadcaster", {}):
            url = urls(self._place.settings)["ws"]
            watching = watcher.watch(url, [*wishes, "metrics"], keeps_ages=True)
            task = asyncio.create_task(watching)
            try:
                yield watcher
            finally:
                await stop_all([task])


def _parts(watcher: Watcher) -> Parts:
    return read_parts(watcher.latest.get("metrics"))


async def _next_parts(watcher: Watcher) -> Parts:
    """Wait for the figures of this moment."""
    watcher.latest.clear()
    watcher.came.clear()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(METRICS_S):
            await watcher.came.wait()
    return _parts(watcher)


def _variables(changes: Mapping[str, object]) -> dict[str, str]:
    texts = {name: str(value) for name, value in changes.items()}
    texts |= {name: str(value).lower() for name, value in changes.items() if value in (True, False)}
    assert texts.keys() <= set(Settings.__struct_fields__), "only settings are changed"
    return {f"RIALTO_{name.upper()}": text for name, text in texts.items()}
