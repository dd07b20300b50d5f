"""What is read while the chunk before it is being written: one chunk, which grows until taken.

The rule of this file: bounded. A chunk is as large as its writer was slow, so it is small and soon
there when the history is in step. When it is behind the limit doubles with each chunk that reaches
it: a large transaction costs less for an event, but the first ones are soon safe, so that whoever
is ended again and again gets on, too.
"""

import asyncio
from typing import NamedTuple

from history.follow.links import Link
from history.projection.rows import CursorRow
from shared.messages import Applied

EVENTS_MIN = 1_000  # A few hundredths of a second.
EVENTS_MAX = 32_000  # Rows and events of so many are some 100 MB; larger ones gain nothing.
SIZE_MAX = 8 * 1024 * 1024  # Packed, the same.


class Chunk(NamedTuple):
    """Events to be written together, and the cursor behind them; `applied` may be empty."""

    applied: list[Applied]
    cursor: CursorRow
    events: int = 0
    size: int = 0


class Ahead:
    """A place for one chunk, between one who reads and one who writes."""

    def __init__(self) -> None:
        self._chunk: Chunk | None = None
        self._events_max = EVENTS_MIN
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def is_full(self) -> bool:
        chunk = self._chunk
        return chunk is not None and (chunk.events >= self._events_max or chunk.size >= SIZE_MAX)

    async def put(self, link: Link) -> None:
        """Add a batch, when there is room."""
        while self.is_full:
            self._taken.clear()
            await self._taken.wait()
        if self._chunk is None:
            self._chunk = Chunk(list(link.applied), link.cursor, link.events, link.size)
        else:
            applied, _, events, size = self._chunk
            applied += link.applied
            self._chunk = Chunk(applied, link.cursor, events + link.events, size + link.size)
        self._changed.set()

    def wake(self) -> None:
        """Let whoever takes look what has become of the one who reads."""
        self._changed.set()

    async def take(self, timeout_s: float) -> Chunk | None:
        """Return what is there, waiting for it; None after that time, or when woken for nothing."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return None
        self._changed.clear()
        self._taken.set()
        self._events_max = min(2 * self._events_max, EVENTS_MAX) if self.is_full else EVENTS_MIN
        chunk, self._chunk = self._chunk, None
        return chunk
