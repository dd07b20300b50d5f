"""Sending orders at a rate, whatever becomes of them, and noting when each was answered.

The rule of this file: an open loop. The clock says when the next ones go, never an answer.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from rialto.errors import RialtoError
from shared.bus import CommandBus
from shared.messages import Command
from shared.outcomes import Answered, Outcome

TURN_S = 0.01
PIECE = 100  # Commands in flight when it is not about their rate.
ANSWER_S = 60.0


class Answer(NamedTuple):
    """An order that was carried out: when it was known, its event, and how often it traded."""

    at_ns: int
    sequence: int
    trades: int


async def send_at(
    bus: CommandBus,
    commands: Iterator[Command],
    *,
    rate_per_s: int,
    is_over: Callable[[float], bool],
) -> list[Answer]:
    """Send so many commands a second until it is over, as it is asked with the seconds since the
    first one; raises RialtoError if one is not answered.
    """
    answers: list[Answer] = []
    futures: list[asyncio.Future[Outcome]] = []
    began_s = time.perf_counter()
    while not is_over(elapsed_s := time.perf_counter() - began_s):
        for command in islice(commands, int(elapsed_s * rate_per_s) + 1 - len(futures)):
            future = bus.post(command)
            future.add_done_callback(lambda done: answers.append(_answer(done.result())))
            futures.append(future)
        await asyncio.sleep(TURN_S)
    await _all_of(futures)
    return answers


async def send_all(bus: CommandBus, commands: Iterator[Command]) -> list[Answer]:
    """Send commands as fast as they are answered; raises RialtoError if one is not."""
    answers: list[Answer] = []

    async def work() -> None:
        for command in commands:
            answers.append(_answer(await bus.submit(command)))

    await asyncio.gather(*(work() for _ in range(PIECE)))
    return answers


async def _all_of(futures: list[asyncio.Future[Outcome]]) -> None:
    try:
        async with asyncio.timeout(ANSWER_S):
            await asyncio.gather(*futures)
    except TimeoutError:
        raise RialtoError("An order was not answered.") from None


def _answer(outcome: Outcome) -> Answer:
    if not isinstance(outcome, Answered):
        raise RialtoError(f"An order was not carried out: {outcome}.")
    result = outcome.result
    return Answer(time.perf_counter_ns(), result.sequence, len(result.fills))
