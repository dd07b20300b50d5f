"""Who is written to next.

The rule of this file: a client that has something to send stands in line once, however much it is.
Each is visited in turn, and between two short slices everything else in the process has its turn.
"""

import asyncio
import time
from collections import deque
from typing import Protocol

SLICE_NS = 2_000_000  # Some 200 clients; Redis and whoever asks something wait no longer than this.


class Visited(Protocol):
    """A client in line."""

    def visit(self) -> None:
        """Write what there is, without waiting; stand in line again if there is more."""


class Writer:
    """The line, and the one task that goes along it."""

    def __init__(self) -> None:
        self._line: deque[Visited] = deque()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._line)

    def add(self, client: Visited) -> None:
        """Put a client at the end of the line; it must not stand in it already."""
        self._line.append(client)
        self._wake.set()

    async def run(self) -> None:
        """Visit whoever stands in line, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._line:
                self.visit_slice()
                await asyncio.sleep(0)

    def visit_slice(self) -> None:
        """Visit from the front of the line until the slice is over."""
        end_ns = time.perf_counter_ns() + SLICE_NS
        line = self._line
        while line:
            line.popleft().visit()
            if time.perf_counter_ns() >= end_ns:
                return
