"""Sending commands through the bus, a fixed number of them in flight.

The rule of this file: the order of the commands is the order of the journal, and every command
gets its final answer or the replay ends.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.replay.errors import ReplayError
from shared.bus import CommandBus
from shared.messages import Command
from shared.outcomes import Answered, NotAccepted
from shared.wire import CommandResult

# Half of the workers begin this much later: so the engine has one half at hand while the other
# travels, instead of all waiting for all. Longer than a journal write, shorter than a batch's turn.
STAGGER_S = 0.0012
PROGRESS_EVERY = 256  # Answers between two words to the progress bar, which is then no burden.


@dataclass(slots=True)
class Sent:
    """The answers in the order of the commands, and how long each command and all of them took."""

    results: list[CommandResult]
    latencies_ns: list[int]
    elapsed_ns: int


async def send(
    bus: CommandBus,
    commands: Sequence[Command],
    *,
    in_flight: int,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Sent:
    """Send all commands in order; raises ReplayError when one gets no final answer."""
    sender = _Sender(bus, commands, on_progress)
    began_ns = time.perf_counter_ns()
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(min(in_flight, len(commands))):
                group.create_task(sender.work(start_after_s=number % 2 * STAGGER_S))
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None
    elapsed_ns = time.perf_counter_ns() - began_ns
    on_progress(len(commands))
    return Sent(list(sender.results()), sender.latencies_ns, elapsed_ns)


class _Sender:
    def __init__(
        self, bus: CommandBus, commands: Sequence[Command], on_progress: Callable[[int], None]
    ) -> None:
        self.latencies_ns: list[int] = []
        self._bus = bus
        self._on_progress = on_progress
        self._numbered = enumerate(commands)
        self._results: list[CommandResult | None] = [None] * len(commands)

    async def work(self, *, start_after_s: float) -> None:
        await asyncio.sleep(start_after_s)
        submit, clock, latencies_ns = self._bus.submit, time.perf_counter_ns, self.latencies_ns
        # Between taking a command and its place in the bus's queue nobody else runs, so the order
        # is kept although many workers take turns.
        for number, command in self._numbered:
            began_ns = clock()
            outcome = await submit(command)
            latencies_ns.append(clock() - began_ns)
            if not isinstance(outcome, Answered):
                raise ReplayError(f"Command {number} got no answer: {_reason(outcome)}.")
            self._results[number] = outcome.result
            if len(latencies_ns) % PROGRESS_EVERY == 0:
                self._on_progress(len(latencies_ns))

    def results(self) -> Iterator[CommandResult]:
        for result in self._results:
            assert result is not None, "every worker ended, so every command was answered"
            yield result


def _reason(outcome: object) -> str:
    if isinstance(outcome, NotAccepted):
        return f"{outcome.refusal}, {outcome.sentence.rstrip('.')}"
    return type(outcome).__name__
