"""One moment of the history, from which a whole answer is read.

The rule of this file: how far the history is, is asked before the moment is fixed, and everything
in an answer is of that moment. So an answer never says that it is further than it is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.queries.standing import NotYetError, Standing, UnavailableError
from history.sql.database import DatabaseError, HistoryDatabase
from history.sql.tables import cursor as cursor_table

SEQUENCE_WAIT_MAX_S = 0.25  # How long an answer waits for the state that it is to show.
SEQUENCE_POLL_S = 0.01
READING_S = 5.0  # A page takes milliseconds; a count of a million rows a second.
VIEWS_A_TURN = 100  # Made without a pause: a millisecond or two of the recorder's loop.


# Pages are read along an index and stop when they are full. A PostgreSQL that has not yet counted a
# month's rows thinks that it has none, and would fetch and sort them all.
ALONG_INDEXES = {
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "max_parallel_workers_per_gather": "0",
}


class Snapshot(NamedTuple):
    """A connection that sees one moment: how far the history is then, and what time is over."""

    connection: AsyncConnection
    sequence: int
    at_ns: int


class Snapshots:
    """Opens them; `standing` says how far the recorder is."""

    def __init__(self, database: HistoryDatabase, standing: Callable[[], Standing]) -> None:
        self.standing = standing
        self._database = database

    async def reached(self, min_sequence: int) -> None:
        """Wait a moment for the recorder to be so far; raises NotYetError."""
        deadline_s = asyncio.get_running_loop().time() + SEQUENCE_WAIT_MAX_S
        while self.standing().sequence < min_sequence:
            if asyncio.get_running_loop().time() > deadline_s:
                raise NotYetError
            await asyncio.sleep(SEQUENCE_POLL_S)

    @contextlib.asynccontextmanager
    async def open(self, min_sequence: int = 0) -> AsyncIterator[Snapshot]:
        """Give a moment that has `min_sequence`; raises NotYetError, UnavailableError."""
        await self.reached(min_sequence)
        standing = self.standing()
        try:
            async with self._database.reading(READING_S) as connection:
                await _read_along_indexes(connection)
                row = (await connection.execute(sa.select(cursor_table))).first()
                sequence, at_ns = (row.sequence, row.at_ns) if row is not None else (0, 0)
                if sequence < min_sequence:  # The history is another one now.
                    raise NotYetError
                yield Snapshot(connection, sequence, max(at_ns, standing.watermark_ns))
        except DatabaseError as error:
            raise UnavailableError(str(error)) from error


async def _read_along_indexes(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        settings = (sa.func.set_config(name, value, True) for name, value in ALONG_INDEXES.items())
        await connection.execute(sa.select(*settings))


async def in_turns(rows: Iterable[Any], view: Callable[[Any], Any]) -> list[Any]:
    """Return what `view` makes of each row, letting others on the loop have their turn."""
    made: list[Any] = []
    for row in rows:
        made.append(view(row))
        if len(made) % VIEWS_A_TURN == 0:
            await asyncio.sleep(0)
    return made
