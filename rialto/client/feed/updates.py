"""The messages of some channels, one after the other, for who wants to see each of them.

The rule of this file: whoever reads too slowly is told so, and slows nobody else.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from rialto.client.errors import ClientError
from shared.feed import Update

QUEUED_MAX = 10_000  # Some seconds of a busy market; who is behind by more does not keep up.


class FellBehindError(ClientError):
    """More messages came than were read, and some are gone; the keepers are right all the same."""


class Updates:
    """An iterator over messages that keepers have taken; without channels, of all of them.

    Ends with its feed, or with `close`. Raises FellBehindError, once, after which it goes on with
    what comes then.
    """

    def __init__(self, *channels: str, queued_max: int = QUEUED_MAX) -> None:
        self._channels = frozenset(channels)
        self._queued_max = queued_max
        self._queue: deque[Update] = deque()
        self._more = asyncio.Event()
        self._has_lost = False
        self._failure: BaseException | None = None
        self.is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        while not self._queue and not self._has_lost:
            if self.is_closed:
                if self._failure is not None:
                    raise self._failure
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        if self._has_lost:
            self._has_lost = False
            raise FellBehindError(f"more than {self._queued_max} messages were not read in time")
        return self._queue.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, update: Update) -> None:
        """Take a message, if it is of a channel that is wanted here."""
        if self.is_closed or (self._channels and update.channel not in self._channels):
            return
        if len(self._queue) >= self._queued_max:
            self._queue.clear()
            self._has_lost = True
        self._queue.append(update)
        self._more.set()

    def close(self, failure: BaseException | None = None) -> None:
        """Take no more; what is there can still be read, and then the failure is raised, if any."""
        if not self.is_closed:
            self._failure = failure
        self.is_closed = True
        self._more.set()
