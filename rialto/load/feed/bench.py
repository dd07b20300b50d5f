"""`rialto bench feed`: what one broadcaster carries, and how late it is.

The rule of this file: each figure has a broadcaster of its own, so that no figure pays for another;
every message is checked, and a figure whose messages were not all right says so beside it.
"""

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Collection, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec
import psutil

from rialto.load.feed import plan
from rialto.load.feed.drive import Driver, driving
from rialto.load.feed.figures import NS_PER_MS, latencies, percentile_ms, undelivered
from rialto.load.feed.floor import CHANNEL
from rialto.load.feed.floor_link import floor
from rialto.load.feed.flow import QUOTE, flow, opening
from rialto.load.feed.link import CrowdLink
from rialto.load.feed.processors import OTHERS, Processors
from rialto.load.feed.rows import Series
from rialto.load.feed.tap import Tap
from rialto.probes import http_answers
from rialto.services import exchange_specs
from rialto.throwaway import Throwaway, running
from shared.channels import Keys
from shared.messages import Command

PARTS = frozenset({"engine"})  # The broadcasters are started one by one.
MARKETS = tuple(f"COIN{number}_{QUOTE}" for number in range(10))
INTERVAL_MS = 250
TRADES_PERCENT = 10
RATE_PER_S = 100  # Commands: 90 changes of a book and 10 trades with one, on ten markets.
STALL_RATE_PER_S = 150  # So a stalled client's queue is full well before a phase ends.
PAUSE_S = 0.004  # Between two commands that are sent one by one.
SETTLE_S = 1.5  # After the last command, beyond the interval, until everybody has everything.
SAMPLE_S = 0.25
AHEAD = 3  # Commands whose messages are under way at once when the broadcaster is to be busy.
CPU_TICK_S = 0.01  # The system counts in these.
FEW = (1, 10, 100)
MB = 1_000_000
US_PER_S = 1_000_000
NS_PER_US, NS_PER_S = 1_000, 10**9


class Scene(StrEnum):
    """What can be measured by itself."""

    MANY = "many"
    FEW = "few"
    FAN_OUT = "fan-out"
    STALLED = "stalled"
    STORM = "storm"


class Size(NamedTuple):
    """How much is measured: rounds, clients, seconds, commands."""

    rounds: int = 3
    many: int = 10_000
    many_s: float = 20.0
    many_rounds: int = 20
    few: tuple[int, ...] = FEW
    one_by_one: int = 500
    fan_out: int = 1_000
    fan_out_commands: int = 1_000
    readers: int = 900
    stalled: int = 100
    stall_s: float = 15.0
    storm: int = 5_000


QUICK = Size(
    rounds=1,
    many=40,
    many_s=1.0,
    many_rounds=5,
    few=(1, 10),
    one_by_one=20,
    fan_out=40,
    fan_out_commands=40,
    readers=18,
    stalled=2,
    stall_s=0.5,
    storm=50,
)


async def measure(place: Throwaway, size: Size, scenes: Collection[Scene]) -> Series:
    """Measure the feed of `place`; raises RialtoError when it cannot be finished."""
    async with driving(place) as driver:
        await driver.send_all(opening(MARKETS))
        bench = _FeedBench(place, driver, size)
        for number in range(size.rounds):
            await bench.measure_round(number, scenes)
    return bench.series


class _Broadcaster:
    """The process that is measured."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process = psutil.Process(pid)
        self.peak_mb = 0.0

    def cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        mb = float(self._process.memory_info().rss) / MB
        self.peak_mb = max(self.peak_mb, mb)
        return mb

    async def watch(self, seconds: float) -> None:
        """Wait, and look at the memory meanwhile."""
        deadline_s = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline_s:
            self.rss_mb()
            await asyncio.sleep(min(SAMPLE_S, seconds))


@contextlib.asynccontextmanager
async def _broadcaster(place: Throwaway) -> AsyncIterator[_Broadcaster]:
    specs = exchange_specs(place.settings, place.environ, place.redis_url, ())
    [spec] = [spec for spec in specs if spec.name == "broadcaster"]
    door = (place.settings.ws_host, place.settings.ws_port)
    spec = dataclasses.replace(spec, ready=http_answers(*door, "/ready", status="200"))
    async with running(spec, place.home) as part:
        yield _Broadcaster(part.child.pid)


class _FeedBench:
    def __init__(self, place: Throwaway, driver: Driver, size: Size) -> None:
        self._place = place
        self._driver = driver
        self._size = size
        self._number = 0
        self.series = Series(size.few, size.storm, size.many, judges_speed=size is not QUICK)

    async def measure_round(self, number: int, scenes: Collection[Scene]) -> None:
        self._number = number
        if Scene.MANY in scenes:
            await self._measure_many()
            await self._measure_floor("many floor", self._size.many, self._size.many_rounds)
        if Scene.FEW in scenes:
            for clients in self._size.few:
                await self._measure_few(clients)
        if Scene.FAN_OUT in scenes:
            await self._measure_fan_out()
            await self._measure_floor("floor", self._size.fan_out, self._size.fan_out_commands)
        if Scene.STALLED in scenes:
            await self._measure_stalled()
        if Scene.STORM in scenes:
            await self._measure_storm()

    # ---- ten thousand ----

    async def _measure_many(self) -> None:
        size, note = self._size, self.series.note
        wishes = [{f"depth:{m}": INTERVAL_MS, f"trades:{m}": 0} for m in MARKETS]
        async with self._scene() as (broadcaster, crowd), self._tap() as tap:
            order = plan.Open(group="many", count=size.many, wishes=wishes)
            note("many open", await crowd.order(order) / NS_PER_S)
            async with self._driver.at_rate(self._flow("many"), RATE_PER_S):
                await broadcaster.watch(SETTLE_S)
                await crowd.order(plan.Record())
                processors = self._processors(broadcaster, crowd)
                await broadcaster.watch(size.many_s)
                shares = processors.shares()
                passed = await crowd.recorded()
            await crowd.order(plan.Record())
            await broadcaster.watch(SETTLE_S)
            end = await crowd.recorded()
            late = latencies(passed, tap.stamps, kind="depth:", interval_ns=INTERVAL_MS * NS_PER_MS)
            trades = latencies(passed, tap.stamps, kind="trades:")
            note("many p50", percentile_ms(late.published_ns, 50))
            note("many p99", percentile_ms(late.published_ns, 99))
            note("many trades p50", percentile_ms(trades.published_ns, 50))
            note("many trades p99", percentile_ms(trades.published_ns, 99))
            for name, percent in shares.items():
                note(f"many cpu {name}", percent)
            cpu_us = shares["broadcaster"] / 100 * passed.elapsed_ns / NS_PER_US
            note("many cpu us", cpu_us / passed.messages)
            note("many per s", passed.messages * NS_PER_S / passed.elapsed_ns)
            note("many rss", broadcaster.peak_mb)
            note("undelivered", undelivered(end.ends, tap.last))
            self._count(passed, end, unknown=late.unknown + trades.unknown)
            note("many lagged", passed.lagged + end.lagged)

    # ---- a few, at once ----

    async def _measure_few(self, clients: int) -> None:
        note = self.series.note
        async with self._scene() as (_, crowd), self._tap() as tap:
            wishes = [{f"depth:{MARKETS[0]}": 0}]
            await crowd.order(plan.Open(group="few", count=clients, wishes=wishes))
            commands = flow(MARKETS[:1], trades_percent=0, prefix=f"few{clients}-{self._number}")
            await self._driver.one_by_one(commands, self._size.one_by_one // 10, PAUSE_S)
            await crowd.order(plan.Record())
            await self._driver.one_by_one(commands, self._size.one_by_one, PAUSE_S)
            passed = await crowd.recorded()
            late = latencies(passed, tap.stamps, kind="depth:")
            for percent in (50, 99):
                note(f"few {clients} p{percent}", percentile_ms(late.published_ns, percent))
                note(f"few {clients} commit p{percent}", percentile_ms(late.committed_ns, percent))
            self._count(passed, unknown=late.unknown)

    # ---- as much as it can ----

    async def _measure_fan_out(self) -> None:
        size, note = self._size, self.series.note
        async with self._scene() as (broadcaster, crowd):
            wishes = [{f"depth:{MARKETS[0]}": 0}]
            await crowd.order(plan.Open(group="fan", count=size.fan_out, wishes=wishes))
            commands = flow(MARKETS[:1], trades_percent=0, prefix=f"fan-{self._number}")
            await self._fan_out(commands, crowd, size.fan_out_commands // 10, AHEAD)
            passed, cpu_s = await self._fan_out_of(
                broadcaster, crowd, commands, size.fan_out_commands, AHEAD
            )
            note("fan per s", passed.messages * NS_PER_S / passed.elapsed_ns)
            note("fan cpu us", cpu_s * US_PER_S / passed.messages)
            note("fan per cpu s", passed.messages / cpu_s)
            note("fan busy", cpu_s * NS_PER_S / passed.elapsed_ns * 100)
            # Each message by itself: none is there that could travel with it.
            passed, cpu_s = await self._fan_out_of(
                broadcaster, crowd, commands, size.fan_out_commands // 4, 0
            )
            note("fan alone cpu us", cpu_s * US_PER_S / passed.messages)

    async def _fan_out_of(
        self,
        broadcaster: _Broadcaster,
        crowd: CrowdLink,
        commands: Iterator[Command],
        count: int,
        ahead: int,
    ) -> tuple[plan.Recorded, float]:
        await crowd.order(plan.Record())
        before_s = broadcaster.cpu_s()
        await self._fan_out(commands, crowd, count, ahead)
        cpu_s = max(broadcaster.cpu_s() - before_s, CPU_TICK_S)
        passed = await crowd.recorded()
        self._count(passed)
        return passed, cpu_s

    async def _fan_out(
        self, commands: Iterator[Command], crowd: CrowdLink, count: int, ahead: int
    ) -> None:
        clients = self._size.fan_out
        await self._driver.as_taken(commands, crowd, clients=clients, ahead=ahead, count=count)

    async def _measure_floor(self, name: str, clients: int, rounds: int) -> None:
        note = self.series.note
        async with floor(self._place, clients, rounds) as (link, crowd):
            order = plan.Open(group="floor", count=clients, wishes=[{CHANNEL: 0}])
            await crowd.order(order)
            await crowd.order(plan.Record())
            cost = await link.cost()
            note(f"{name} cpu us", cost.cpu_ns / cost.calls / NS_PER_US)
            note(f"{name} per s", cost.calls * NS_PER_S / cost.elapsed_ns)
            self._count(await crowd.recorded())

    # ---- who does not read ----

    async def _measure_stalled(self) -> None:
        size, note = self._size, self.series.note
        async with self._scene() as (broadcaster, crowd), self._tap() as tap:
            one = [{f"depth:{m}": 0, f"trades:{m}": 0} for m in MARKETS]
            every = {f"{kind}:{m}": 0 for m in MARKETS for kind in ("depth", "trades")}
            await crowd.order(plan.Open(group="readers", count=size.readers, wishes=one))
            await crowd.order(
                plan.Open(
                    group="stalled",
                    count=size.stalled,
                    wishes=[every],
                    is_far=True,
                    timed=False,
                )
            )
            phases: list[tuple[str, plan.Recorded]] = []
            async with self._driver.at_rate(self._flow("stall"), STALL_RATE_PER_S):
                # The machine's mood changes slowly: in this order it is fair to both.
                for turn, names in enumerate((("without", "with"), ("with", "without"))):
                    for name in names:
                        if name == "with":
                            await crowd.order(plan.Stall("stalled"))
                        phases.append((name, await self._phase(broadcaster, crowd)))
                        note(f"stall rss {name} {turn}", broadcaster.rss_mb())
                        if name == "with":
                            phases.append(("after", await self._catch_up(broadcaster, crowd)))
            # Not before: what this process computes meanwhile would be missing in the traffic.
            for name, passed in phases:
                if name == "after":
                    note("stall lagged", passed.lagged)
                    self._count(passed)
                    continue
                late = latencies(passed, tap.stamps, kind="depth:")
                note(f"stall {name} p99", percentile_ms(late.published_ns, 99))
                self._count(passed, unknown=late.unknown)

    async def _phase(self, broadcaster: _Broadcaster, crowd: CrowdLink) -> plan.Recorded:
        await broadcaster.watch(SETTLE_S)
        await crowd.order(plan.Record())
        await broadcaster.watch(self._size.stall_s)
        return await crowd.recorded()

    async def _catch_up(self, broadcaster: _Broadcaster, crowd: CrowdLink) -> plan.Recorded:
        await crowd.order(plan.Record())
        await crowd.order(plan.Stall("stalled", is_over=True))
        await broadcaster.watch(SETTLE_S)
        return await crowd.recorded()

    # ---- everybody at once ----

    async def _measure_storm(self) -> None:
        size, note = self._size, self.series.note
        wishes = [{f"depth:{m}": INTERVAL_MS, f"trades:{m}": 0} for m in MARKETS]
        async with self._scene() as (broadcaster, crowd):
            storm = plan.Open(group="storm", count=size.storm, wishes=wishes, at_once=True)
            await crowd.order(msgspec.structs.replace(storm, at_once=False))
            async with self._driver.at_rate(self._flow("storm"), RATE_PER_S):
                await broadcaster.watch(SETTLE_S)
                await crowd.order(plan.Record())
                await crowd.order(plan.Cut("storm"))
                note("storm s", await crowd.order(storm) / NS_PER_S)
                await broadcaster.watch(SETTLE_S)
                passed = await crowd.recorded()
            note("storm rss", broadcaster.peak_mb)
            self._count(passed)

    # ---- what they share ----

    @contextlib.asynccontextmanager
    async def _scene(self) -> AsyncIterator[tuple[_Broadcaster, CrowdLink]]:
        crowd = CrowdLink(self._place, self._place.settings.ws_port)
        async with _broadcaster(self._place) as broadcaster, crowd:
            processors = self._processors(broadcaster, crowd)
            yield broadcaster, crowd
            self.series.note("others", processors.shares()[OTHERS])

    def _processors(self, broadcaster: _Broadcaster, crowd: CrowdLink) -> Processors:
        ours = {"broadcaster": broadcaster.pid, "clients": crowd.pid, "this": os.getpid()}
        return Processors({**ours, **self._place.pids})

    def _tap(self) -> Tap:
        return Tap(self._place.redis_url, Keys(self._place.venue))

    def _flow(self, name: str) -> Iterator[Command]:
        prefix = f"{name}-{self._number}"
        return flow(MARKETS, trades_percent=TRADES_PERCENT, prefix=prefix)

    def _count(self, *several: plan.Recorded, unknown: int = 0) -> None:
        for recorded in several:
            self.series.note("faults", recorded.faults)
            self.series.note("cut", recorded.cut)
            self.series.note("messages", recorded.messages)
            self.series.sentences += recorded.sentences
        self.series.note("unknown", unknown)
