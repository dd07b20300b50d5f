"""Reads that arrive while others are under way travel together in the next transaction.

The rule of this file: what answers a read was asked of Redis after the read came, so it is as new
as if the read had gone alone; and what several want is asked for once. A lone read waits for
nobody, and the more there are at once the less each of them costs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from api.edge.errors import ApiError
from shared.tasks import spawn, stop

Command = tuple[str | bytes | int, ...]
Transaction = Callable[[Sequence[Command]], Awaitable[list[Any]]]

UNDER_WAY_MAX = 2  # Transactions: while one brings a large book the other goes on.
READS_MAX = 32  # In one transaction, so that one answer stays within a few milliseconds.
WAITING_MAX = 4_096  # Reads; a process that has so many at once is seconds behind.


class _Read(NamedTuple):
    commands: Sequence[Command]
    future: asyncio.Future[list[Any]]


class SharedReads:
    """Carries reads to `transaction`, many at a time; use `close` after."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._waiting: deque[_Read] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0  # Of the tasks, those that will look at what waits once more.

    async def close(self) -> None:
        await stop(*self._tasks)
        self._refuse(list(self._waiting), ApiError("REDIS_UNAVAILABLE"))

    async def read(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers to the commands, of one instant; others may have been given the same
        objects, so they are not to be changed. Raises ApiError.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise ApiError("BUSY")
        read = _Read(commands, asyncio.get_running_loop().create_future())
        self._waiting.append(read)
        if self._running < UNDER_WAY_MAX:
            self._running += 1
            task = spawn(self._run(), "shared-reads")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await read.future

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(READS_MAX, len(self._waiting))
                reads = [self._waiting.popleft() for _ in range(count)]
                wanted = [read for read in reads if not read.future.done()]
                if wanted:  # Else all who asked have gone away.
                    await self._carry(wanted)
        finally:
            self._running -= 1

    async def _carry(self, reads: list[_Read]) -> None:
        places: dict[Command, int] = {}
        for read in reads:
            for command in read.commands:
                places.setdefault(command, len(places))
        try:
            answers = await self._transaction(list(places))
        except asyncio.CancelledError:
            self._refuse(reads, ApiError("REDIS_UNAVAILABLE"))
            raise
        except Exception as error:  # noqa: BLE001 - a bug too is theirs who have asked.
            self._refuse(reads, error)
            return
        for read in reads:
            if not read.future.done():
                read.future.set_result([answers[places[command]] for command in read.commands])

    def _refuse(self, reads: Sequence[_Read], error: Exception) -> None:
        for read in reads:
            if not read.future.done():
                # Each gets an error of its own: a traceback grows where it is raised.
                own = ApiError(error.code) if isinstance(error, ApiError) else error
                read.future.set_exception(own)
