"""How late the event loop is: the one figure that shows work on it that should be elsewhere.

The rule of this file: it measures the worst since it was last asked, so that a scrape misses
nothing.
"""

import asyncio

from shared.tasks import spawn, stop

LOOK_EVERY_S = 0.1


class LoopLag:
    """Measures by sleeping; use `start` before and `close` after."""

    def __init__(self) -> None:
        self._worst_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = spawn(self._run(), "loop-lag")

    async def close(self) -> None:
        await stop(self._task)

    def take_s(self) -> float:
        """Return the worst lag in seconds since the last call."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self._worst_s = max(self._worst_s, loop.time() - due_s)
