"""Watching a history while an exchange works: when it had which event, and how large it is.

The rule of this file: it asks the history as its supervisor does, and takes its word for nothing
but the event that it is at.
"""

import asyncio
import bisect
import time
from typing import NamedTuple

import httpx
import psutil

from rialto.errors import RialtoError

LOOK_EVERY_S = 0.01  # The error of a lag: it is what is measured by two orders of magnitude.
ANSWER_S = 10.0
NS_PER_S = 10**9


class Look(NamedTuple):
    """What was seen at a moment of the clock that only goes forward."""

    at_ns: int
    sequence: int
    resident_bytes: int
    cpu_s: float  # Of the history's process so far.


class Watch:
    """Looks at a history again and again; `run` it in a task."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = f"{url}/health"
        self._process = psutil.Process(pid)
        self.looks: list[Look] = []

    @property
    def sequence(self) -> int:
        """The event that the history was at when it was looked at last, 0 before."""
        return self.looks[-1].sequence if self.looks else 0

    async def run(self) -> None:
        """Look for ever; raises RialtoError when the history does not answer."""
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
            while True:
                await self._look(client)
                await asyncio.sleep(LOOK_EVERY_S)

    async def wait_for(self, sequence: int, timeout_s: float) -> None:
        """Return when the history has an event; raises RialtoError if it takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.sequence < sequence:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise RialtoError(f"The history did not reach event {sequence}.") from None

    def lag_ns(self, at_ns: int, sequence: int) -> int:
        """Return how much later than a moment the history had an event; it has it by now."""
        place = bisect.bisect_left(self.looks, sequence, key=lambda look: look.sequence)
        return max(0, self.looks[place].at_ns - at_ns)

    async def _look(self, client: httpx.AsyncClient) -> None:
        try:
            answer = (await client.get(self._url)).json()
        except (httpx.HTTPError, ValueError) as error:
            raise RialtoError(f"The history does not answer: {error!r}") from error
        resident, spent = self._process.memory_info().rss, self._process.cpu_times()
        cpu_s, at_ns = spent.user + spent.system, time.perf_counter_ns()
        self.looks.append(Look(at_ns, int(answer["sequence"]), resident, cpu_s))
