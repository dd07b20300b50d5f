"""One day, sent through a running exchange of its own and checked against what it must come to.

The rule of this file: it tells the story; every step is a room of its own. The exchange must be
new, for the day is its whole life.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from engine.redis_link import RedisLink
from engine.replay import checks
from engine.replay.day import read_day
from engine.replay.errors import ReplayError
from engine.replay.expectations import (
    TOUCHES_FILE,
    TRADES_FILE,
    expectation_file,
    read_touches,
    read_trades,
)
from engine.replay.plan import Plan, make_plan
from engine.replay.reference import play
from engine.replay.report import Report
from engine.replay.sender import send
from engine.replay.verdict import PreparedDay, judge
from shared.bus import CommandBus
from shared.channels import Keys

IN_FLIGHT = 128
READY_TIMEOUT_S = 20.0  # An engine is up within two; a busy machine is given more.
PATIENCE_S = (
    30.0  # A stalled disk is no verdict about a day: the replay waits where a client won't.
)
REFERENCE = "an independent simple exchange"


def prepare(orders: Path, trades: Path | None = None, touches: Path | None = None) -> PreparedDay:
    """Read a day and its expectations, those beside it if none are named; raises ReplayError."""
    day = read_day(orders)
    reference = play(day.rows)
    prepared = PreparedDay(
        day, make_plan(day), [reference.trades], [reference.touches], [REFERENCE]
    )
    trades = expectation_file(trades, orders, TRADES_FILE)
    touches = expectation_file(touches, orders, TOUCHES_FILE)
    if trades is not None:
        prepared.trades.append(read_trades(trades, day))
        prepared.expected_from.append(trades.name)
    if touches is not None:
        prepared.touches.append(read_touches(touches, day))
        prepared.expected_from.append(touches.name)
    return prepared


async def replay(
    prepared: PreparedDay,
    redis_url: str,
    venue: str,
    *,
    in_flight: int = IN_FLIGHT,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Report:
    """Send the day through the new exchange at `redis_url` and report; raises ReplayError."""
    keys = Keys(venue)
    bus = CommandBus(redis_url, keys, reply_timeout_s=PATIENCE_S, engine_silence_max_s=PATIENCE_S)
    await bus.start()
    try:
        if not await bus.wait_until_ready(READY_TIMEOUT_S):
            raise ReplayError("The engine did not begin to work.")
        await _open(bus, prepared.plan, in_flight)
        sent = await send(bus, prepared.plan.commands, in_flight=in_flight, on_progress=on_progress)
    finally:
        await bus.close()
    with contextlib.closing(RedisLink(redis_url)) as link:
        link.open()
        return judge(prepared, sent, link, keys, in_flight=in_flight)


async def _open(bus: CommandBus, plan: Plan, in_flight: int) -> None:
    opened = await send(bus, plan.opening, in_flight=in_flight)
    refused = checks.refusals(opened.results)
    if refused:
        raise ReplayError(f"The exchange could not be opened for the day: {refused}.")
