"""What the recorder wants of a database: how far it is, what it needs to go on, and to write.

The rule of this file: it translates, and decides nothing.
"""

from typing import NamedTuple, Protocol

from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase
from history.sql.loading import load_cursor, load_recording
from history.sql.writer import write

LOADING_S = 600.0  # A million orders that rest take some ten seconds.


class Stored(NamedTuple):
    """A history at one moment: its cursor, None while it is empty, and what goes on from there."""

    cursor: CursorRow | None
    recording: Recording


class Store(Protocol):
    """A database, or what stands for one; see SqlStore."""

    async def load(self) -> Stored: ...
    async def write(self, batch: Batch, cursor: CursorRow, expected: CursorRow | None) -> None: ...


class SqlStore:
    """The history's own database."""

    def __init__(self, database: HistoryDatabase) -> None:
        self._database = database

    async def load(self) -> Stored:
        """Return what is stored, all of one moment."""
        async with self._database.reading(LOADING_S) as connection:
            cursor = await load_cursor(connection)
            return Stored(cursor, await load_recording(connection))

    async def write(self, batch: Batch, cursor: CursorRow, expected: CursorRow | None) -> None:
        """Write rows and cursor, all or nothing, and nothing if they are there from an earlier try;
        raises CursorMoved if the stored one is not `expected`.
        """
        await write(self._database, batch, cursor, expected)
