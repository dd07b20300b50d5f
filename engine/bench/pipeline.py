"""How fast the whole pipeline is: commands through the bus, the journal, the engine and the commit,
with every reply received.

The rule of this file: a closed loop. So many commands are in flight, and the next one is sent when
an answer has come; latency is from handing a command to the bus to holding its answer.
"""

import contextlib
import gc
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import psutil
from msgspec import Struct

from engine.bench.flow import flow, opening
from engine.replay.errors import ReplayError
from engine.replay.report import percentile_us
from engine.replay.sender import send
from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Command
from shared.wire import CommandResult

IN_FLIGHT = (1, 16, 128, 1_024)
# So that each level takes about two seconds; the first ones wait for the disk, command by command.
COMMANDS = {1: 2_000, 16: 20_000, 128: 80_000, 1_024: 120_000}
WARM_UP = 5_000
SEED = 7
PATIENCE_S = 60.0  # Nothing fails here: whoever waits longer is told so.
SENDER = "sender"
ENGINE = "engine"
NS_PER_S = 10**9
US_PER_S = 10**6


class Figures(Struct, frozen=True, kw_only=True):
    """One level of load; `cpu_us` is user and system time per command, by process. `refused` counts
    the commands that the exchange said no to, which is an answer like any other.
    """

    in_flight: int
    pinned: bool
    commands: int
    commands_per_s: int
    p50_us: int
    p99_us: int
    max_us: int
    cpu_us: dict[str, float]
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be measured: each of `in_flight` in turn, `rounds` times, and all of it with every
    process where the system puts it, then, if `pin`, the engine alone on one core.
    """

    in_flight: Sequence[int] = IN_FLIGHT
    rounds: int = 1
    pin: bool = True
    seed: int = SEED
    scale: float = 1.0


async def run(redis_url: str, venue: str, pids: Mapping[str, int], load: Load) -> list[Figures]:
    """Measure a new exchange; `pids` are its processes by name. Raises ReplayError when a command
    gets no answer.
    """
    bus = CommandBus(
        redis_url, Keys(venue), reply_timeout_s=PATIENCE_S, engine_silence_max_s=PATIENCE_S
    )
    await bus.start()
    try:
        if not await bus.wait_until_ready(PATIENCE_S):
            raise ReplayError("The engine did not begin to work.")
        bench = _PipelineBench(bus, {**pids, SENDER: os.getpid()}, load)
        return await bench.measure_all()
    finally:
        await bus.close()


class _PipelineBench:
    def __init__(self, bus: CommandBus, pids: dict[str, int], load: Load) -> None:
        self._bus = bus
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._load = load
        self._flow = flow(load.seed)

    async def measure_all(self) -> list[Figures]:
        await send(self._bus, opening(), in_flight=max(IN_FLIGHT))
        await send(self._bus, self._next(WARM_UP), in_flight=max(IN_FLIGHT))
        figures = []
        for _ in range(self._load.rounds):
            for in_flight in self._load.in_flight:
                figures.append(await self._measure(in_flight, pinned=False))
                if self._load.pin:
                    with pinned(self._processes):
                        figures.append(await self._measure(in_flight, pinned=True))
        return figures

    async def _measure(self, in_flight: int, *, pinned: bool) -> Figures:
        count = int(COMMANDS.get(in_flight, max(COMMANDS.values())) * self._load.scale)
        commands = self._next(count)
        gc.collect()
        gc.freeze()  # Else the sender's own collections, of all these commands, are in the figure.
        before = self._cpu_s()
        sent = await send(self._bus, commands, in_flight=in_flight)
        after = self._cpu_s()
        gc.unfreeze()
        latencies_ns = sorted(sent.latencies_ns)
        return Figures(
            in_flight=in_flight,
            pinned=pinned,
            commands=count,
            commands_per_s=count * NS_PER_S // max(sent.elapsed_ns, 1),
            p50_us=percentile_us(latencies_ns, 50),
            p99_us=percentile_us(latencies_ns, 99),
            max_us=percentile_us(latencies_ns, 100),
            cpu_us={
                name: round((after[name] - before[name]) * US_PER_S / count, 1) for name in after
            },
            refused=_refused(sent.results),
        )

    def _next(self, count: int) -> list[Command]:
        return list(islice(self._flow, count))

    def _cpu_s(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        times_s = {name: spent.user + spent.system for name, spent in times.items()}
        times_s[SENDER] = time.process_time()  # Finer than the system's table of processes.
        return times_s


def _refused(results: list[CommandResult]) -> dict[str, int]:
    return dict(Counter(str(result.code) for result in results if result.code))


@contextlib.contextmanager
def pinned(processes: Mapping[str, psutil.Process]) -> Iterator[None]:
    """Give the engine the last core for itself and all others the rest, for as long as the block
    lasts; on a machine with one core, or without such a thing, nothing is changed.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        yield
        return
    try:
        for name, process in processes.items():
            os.sched_setaffinity(process.pid, cores[-1:] if name == ENGINE else cores[:-1])
        yield
    finally:
        for process in processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, cores)


def lines(figures: Sequence[Figures]) -> Iterator[str]:
    """Yield the figures as a table for a person."""
    names = list(figures[0].cpu_us) if figures else []
    heads = ["in flight", "pinned", "commands/s", "p50 us", "p99 us", "max us", *names]
    yield "  ".join(f"{head:>10}" for head in heads) + "   (processes: CPU us a command)"
    for row in figures:
        where = "yes" if row.pinned else "no"
        counts = row.commands_per_s, row.p50_us, row.p99_us, row.max_us, *row.cpu_us.values()
        cells = [f"{row.in_flight:,}", where, *(f"{count:,}" for count in counts)]
        yield "  ".join(f"{cell:>10}" for cell in cells)
