"""Taking all that waits, of all feeds, and then publishing it once.

The rule of this file: the loop is never held for long, and no feed can keep the others from their
turn. What is left over is taken after the sockets have been looked at again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from shared.tasks import spawn, stop

# Together they bound how long one round holds the loop: the last frame of a round may run over by
# what one frame costs, which is under 1 ms, and the loop stays free of stalls of 5 ms.
FEED_S_MAX = 0.002
ROUND_S_MAX = 0.003


class Drained(Protocol):
    """A feed, as far as its frames go."""

    is_waiting: bool  # It is in the line already.

    def drain(self, until_s: float) -> bool:
        """Take what waits until that time of `time.perf_counter`; True when some is left."""


class Drain:
    """One for a process. A bug in `on_drained` is not a feed's, and stops the service.

    A round is the loop's very next turn after somebody has woken it: whatever else has come with it
    is in it, and no task has to be woken, which takes longer than reading a small frame.
    """

    def __init__(self, on_drained: Callable[[], None]) -> None:
        self._on_drained = on_drained
        self._line: deque[Drained] = deque()  # Each feed once at most.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_called = True  # A turn is coming, or there is none to come.
        self._failed: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.rounds = 0
        self.longest_s = 0.0  # The longest round, publishing included.
        self.longest_cpu_s = 0.0  # In processor time: without what else the machine did meanwhile.

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._failed = self._loop.create_future()
        self._task = spawn(_wait_for(self._failed), "feed-drain")
        self._is_called = False
        self._call()

    async def close(self) -> None:
        self._loop, self._is_called = None, True
        await stop(self._task)

    def wake(self, feed: Drained) -> None:
        """Have a feed drained soon. It may have nothing but a changed state to publish."""
        if not feed.is_waiting:
            feed.is_waiting = True
            self._line.append(feed)
            if not self._is_called:
                self._call()

    def _call(self) -> None:
        if self._line and self._loop is not None:
            self._is_called = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._loop is None:
            return
        try:
            self._round()
        except Exception as error:  # noqa: BLE001 - the task that holds it stops the service.
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(error)
            return
        self._is_called = False
        self._call()

    def _round(self) -> None:
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        for _ in range(len(self._line)):
            feed = self._line.popleft()
            feed.is_waiting = False
            now_s = time.perf_counter()
            if feed.drain(min(now_s + FEED_S_MAX, began_s + ROUND_S_MAX)):
                self.wake(feed)
            if time.perf_counter() - began_s >= ROUND_S_MAX:
                break
        self._on_drained()
        self.rounds += 1
        self.longest_s = max(self.longest_s, time.perf_counter() - began_s)
        self.longest_cpu_s = max(self.longest_cpu_s, time.thread_time() - began_cpu_s)


async def _wait_for(failed: asyncio.Future[None]) -> None:
    await failed
