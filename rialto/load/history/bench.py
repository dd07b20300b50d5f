"""A history beside an exchange that is at work: how far it is behind, and how fast it catches up.

The rule of this file: real services, each in its process; a trade counts when the history has it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from itertools import islice

from msgspec import Struct

from rialto.load.history.sending import Answer, send_all, send_at
from rialto.load.history.watching import NS_PER_S, Look, Watch
from rialto.probes import http_answers
from rialto.service import ServiceSpec
from rialto.services import STOP_ARCHIVE, module_argv
from rialto.throwaway import Throwaway, running
from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Command

PARTS = frozenset({"engine", "archive"})
READY_S = 60.0
CATCH_UP_S = 600.0
US_PER_S = 1_000_000


class Load(Struct, frozen=True, kw_only=True):
    """`opening` of the commands begin the venue and `backlog` come before there is a history. Then
    there are so many a second: until it has those, and, when it is in step, for so long.
    """

    opening: int
    backlog: int
    rate_per_s: int = 2_000
    seconds: float = 30.0


class Beside(Struct, frozen=True, kw_only=True):
    """What was seen. Lags are in nanoseconds from an order's answer to its rows, sorted; `cpu_us`
    is what all the `trades` have cost the history, whoever else was at work; the memory is that of
    the history halfway through all this, and at its end.
    """

    catching_up_per_s: int
    lags_ns: list[int]
    trades: int
    cpu_us: int
    halfway_bytes: int
    end_bytes: int


async def measure_beside(place: Throwaway, commands: Iterator[Command], load: Load) -> Beside:
    """Measure at an exchange of its own; raises RialtoError when it cannot be finished."""
    keys = Keys(place.venue)
    bus = CommandBus(place.redis_url, keys, reply_timeout_s=READY_S, engine_silence_max_s=READY_S)
    await bus.start()
    try:
        await bus.wait_until_ready(READY_S)
        await send_all(bus, islice(commands, load.opening))
        backlog = await send_all(bus, islice(commands, load.backlog))
        async with _watched(place) as watch:
            return await _measure(bus, commands, load, watch, backlog)
    finally:
        await bus.close()


async def _measure(
    bus: CommandBus, commands: Iterator[Command], load: Load, watch: Watch, backlog: list[Answer]
) -> Beside:
    until = max(answer.sequence for answer in backlog)
    before = await send_at(
        bus,
        commands,
        rate_per_s=load.rate_per_s,
        is_over=lambda elapsed_s: watch.sequence >= until or elapsed_s > CATCH_UP_S,
    )
    caught_up = watch.looks[-1]
    await watch.wait_for(max(answer.sequence for answer in before), CATCH_UP_S)
    in_step = await send_at(
        bus,
        commands,
        rate_per_s=load.rate_per_s,
        is_over=lambda elapsed_s: elapsed_s > load.seconds,
    )
    await watch.wait_for(max(answer.sequence for answer in in_step), CATCH_UP_S)
    return _judged(watch, [*backlog, *before], in_step, caught_up)


@contextlib.asynccontextmanager
async def _watched(place: Throwaway) -> AsyncIterator[Watch]:
    settings = place.settings
    host, port = settings.history_host, settings.history_port
    spec = ServiceSpec(
        name="history",
        argv=module_argv("history"),
        environ=place.environ,
        ready=http_answers(host, port, "/health"),
        stop_rank=STOP_ARCHIVE,
    )
    async with running(spec, place.home) as part:
        watch = Watch(f"http://{host}:{port}", part.child.pid)
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _judged(watch: Watch, before: list[Answer], in_step: list[Answer], caught_up: Look) -> Beside:
    began = watch.looks[0]
    taken = sum(
        answer.trades for answer in before if began.sequence < answer.sequence <= caught_up.sequence
    )
    return Beside(
        catching_up_per_s=taken * NS_PER_S // max(caught_up.at_ns - began.at_ns, 1),
        lags_ns=sorted(watch.lag_ns(answer.at_ns, answer.sequence) for answer in in_step),
        trades=sum(answer.trades for answer in (*before, *in_step)),
        cpu_us=int((watch.looks[-1].cpu_s - began.cpu_s) * US_PER_S),
        halfway_bytes=watch.looks[len(watch.looks) // 2].resident_bytes,
        end_bytes=watch.looks[-1].resident_bytes,
    )
