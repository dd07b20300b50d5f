"""Sending the traffic of a measurement through the bus: at a rate, one by one, or as fast as the
crowd takes it.

The rule of this file: every command is answered and carried out, or the measurement ends.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from rialto.errors import RialtoError
from rialto.load.feed import plan
from rialto.load.feed.link import CrowdLink
from rialto.throwaway import Throwaway
from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Command
from shared.outcomes import Answered, Outcome
from shared.tasks import stop

PATIENCE_S = 30.0
BURST_MAX = 500  # Commands that the opening has in flight at once.
CAUGHT_UP_MAX = 2  # Commands of one turn; a rate above 1,000/s would need more.
TURN_S = 0.002  # How finely a rate is kept.


@contextlib.asynccontextmanager
async def driving(place: Throwaway) -> AsyncIterator["Driver"]:
    """Give a driver of the exchange's engine."""
    bus = CommandBus(
        place.redis_url,
        Keys(place.venue),
        reply_timeout_s=PATIENCE_S,
        engine_silence_max_s=PATIENCE_S,
    )
    await bus.start()
    try:
        if not await bus.wait_until_ready(PATIENCE_S):
            raise RialtoError("The engine did not begin to work.")
        yield Driver(bus)
    finally:
        await bus.close()


class Driver:
    """Sends commands; `sent` counts them."""

    def __init__(self, bus: CommandBus) -> None:
        self._bus = bus
        self._waiting: set[asyncio.Future[Outcome]] = set()
        self._refusals: list[str] = []
        self.sent = 0

    async def send_all(self, commands: Sequence[Command]) -> None:
        """Send commands that build on each other, and wait for the answers."""
        for start in range(0, len(commands), BURST_MAX):
            for command in commands[start : start + BURST_MAX]:
                self._post(command)
            await self.settle()

    @contextlib.asynccontextmanager
    async def at_rate(self, commands: Iterator[Command], per_s: int) -> AsyncIterator[None]:
        """Send at a rate, whatever the answers do, for as long as the block lasts.

        What was due while this process was busy with other things comes little by little, as a
        venue's traffic would, and not all at once.
        """
        task = asyncio.create_task(self._send_at_rate(commands, per_s))
        try:
            yield
        finally:
            await stop(task)
        await self.settle()

    async def _send_at_rate(self, commands: Iterator[Command], per_s: int) -> None:
        began_s, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began_s) * per_s) + 1
            for command in islice(commands, min(due - sent, CAUGHT_UP_MAX)):
                self._post(command)
            sent = due
            await asyncio.sleep(TURN_S)

    async def one_by_one(self, commands: Iterator[Command], count: int, pause_s: float) -> None:
        """Send a command, wait for its answer and for a moment, and go on."""
        for command in islice(commands, count):
            self._post(command)
            await self.settle()
            await asyncio.sleep(pause_s)

    async def as_taken(
        self, commands: Iterator[Command], crowd: CrowdLink, *, clients: int, ahead: int, count: int
    ) -> None:
        """Send `count` commands, each a change for `clients`, at most `ahead` of what the crowd
        has; return when it has all.
        """
        taken, more = 0, asyncio.Event()

        def note(changes: int) -> None:
            nonlocal taken
            taken = changes
            more.set()

        crowd.on_progress = note
        await crowd.order(plan.Tell(every=max(clients // 2, 1)))
        for number, command in enumerate(islice(commands, count)):
            while taken < (number - ahead) * clients:
                more.clear()
                async with asyncio.timeout(PATIENCE_S):
                    await more.wait()
            self._post(command)
        await self.settle()
        await crowd.order(plan.Tell(every=0))

    async def settle(self) -> None:
        """Wait for all answers; raises RialtoError when one is not what it should be."""
        while self._waiting:
            await asyncio.wait(self._waiting)
        if self._refusals:
            raise RialtoError(f"A command was not carried out: {self._refusals[0]}")

    def _post(self, command: Command) -> None:
        future = self._bus.post(command)
        self._waiting.add(future)
        future.add_done_callback(self._note)
        self.sent += 1

    def _note(self, future: asyncio.Future[Outcome]) -> None:
        self._waiting.discard(future)
        outcome = future.result()
        if not isinstance(outcome, Answered) or outcome.result.code is not None:
            self._refusals.append(str(outcome))
