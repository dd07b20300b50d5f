"""When a feed may open a connection: its venue's bans, its breaker, its venue's limit.

The rule of this file: each connection waits here for its turn, and tells here how it went.
"""

import asyncio

from aggregator.feed.clock import Clock
from aggregator.feed.pacing import Ban, Window
from aggregator.feed.patience import Breaker, Stance

LOOK_S = 0.25  # While one is trying for all, the others look this often at how it went.


class Gate:
    """Of one feed; the ban is of its whole venue."""

    def __init__(self, ban: Ban, breaker: Breaker, connects: Window, clock: Clock) -> None:
        self.breaker = breaker
        self._ban = ban
        self._connects = connects
        self._clock = clock

    @property
    def is_closed(self) -> bool:
        """Whether the breaker keeps everybody, or everybody but one, from trying."""
        return self.breaker.stance is not Stance.CLOSED

    async def have_leave(self) -> None:
        """Wait until one may try."""
        while True:
            wait_s = self._wait_s(self._clock.monotonic_s())
            if not wait_s:
                return
            await asyncio.sleep(wait_s)

    def _wait_s(self, now_s: float) -> float:
        wait_s = max(self._ban.wait_s(now_s), self._connects.wait_s(now_s))
        if wait_s:
            return wait_s
        if not self.breaker.try_now(now_s):
            return min(self.breaker.wait_s(now_s), LOOK_S)
        self._connects.take(now_s)
        return 0.0

    def worked(self) -> None:
        """Take note that the venue has said something."""
        self.breaker.succeeded()

    def failed(self, banned_s: float = 0.0) -> bool:
        """Take note of a failure; True if it is the one that opens the breaker."""
        now_s = self._clock.monotonic_s()
        if banned_s:
            self._ban.set(now_s, banned_s)
        was_closed = not self.is_closed
        self.breaker.failed(now_s)
        return was_closed and self.is_closed
