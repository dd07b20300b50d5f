"""The history's database: SQLite in RIALTO_HOME, or PostgreSQL in a schema of its own.

The rule of this file: it opens the database, brings it to the present form, one process at a time,
and hands out transactions: many that read, each one moment of the history and bounded in time, and
those that write, one after the other.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from history.sql.engines import open_engines
from history.sql.failures import DatabaseAway, DatabaseError, clear_failures
from history.sql.migrating import migrate
from history.sql.sqlite_bulk import SqliteBulk
from shared.home import history_database
from shared.settings import Settings

__all__ = ["DatabaseAway", "DatabaseError", "HistoryDatabase", "history_url", "open_history"]

READING_S = 10.0  # A page takes milliseconds; who reads a whole day says so.
WRITING_S = 30.0  # A batch takes a second at most, on a busy machine several.
UNUSABLE = "The history's database cannot be opened"
PROGRESS_STEPS = 10_000  # Of SQLite's machine, a fraction of a millisecond, between two looks.
READ, WRITE = "The history cannot be read now", "The history cannot be written now"


class HistoryDatabase:
    """An open database; `dialect` is sqlite or postgresql. `close` it at the end."""

    def __init__(self, reading: AsyncEngine, writing: AsyncEngine, bulk: SqliteBulk | None) -> None:
        self._reading, self._writing = reading, writing
        self.bulk = bulk  # What `writer` writes with; None on PostgreSQL.
        self.dialect = writing.dialect.name
        self.months: set[tuple[str, int]] = set()  # See `partitions`.

    @contextlib.asynccontextmanager
    async def reading(self, limit_s: float = READING_S) -> AsyncIterator[AsyncConnection]:
        """Give one moment of the history, for reading only; raises DatabaseError.

        All that is read through it is of the moment of the first statement.
        """
        with clear_failures(READ):
            async with asyncio.timeout(limit_s), self._reading.connect() as connection:
                await _limit(connection, limit_s)
                yield connection

    @contextlib.asynccontextmanager
    async def writing(self, limit_s: float = WRITING_S) -> AsyncIterator[AsyncConnection]:
        """Give a transaction, committed at the end, else as if it had not been; raises
        DatabaseError.
        """
        with clear_failures(WRITE):
            async with asyncio.timeout(limit_s), self._writing.begin() as connection:
                await _limit(connection, limit_s)
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        if self.bulk is not None:
            await self.bulk.close()
        await self._reading.dispose()
        await self._writing.dispose()


def history_url(settings: Settings) -> str:
    """Return the setting that says where the history is; "": in its home."""
    return settings.history_database_url or settings.database_url


async def open_history(home: Path, configured_url: str, *, silence_s: float = 0) -> HistoryDatabase:
    """Return the history's database, migrated to the present form; raises DatabaseError.

    `silence_s` is as for `open_engines`: whoever reads a whole day at once waits for longer.
    """
    try:
        path = history_database(home)
        reading, writing = open_engines(configured_url, path, silence_s=silence_s)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise DatabaseError(f"The history's database URL cannot be used: {error}") from error
    is_sqlite = writing.dialect.name == "sqlite"
    bulk = SqliteBulk(history_database(home)) if is_sqlite else None
    database = HistoryDatabase(reading, writing, bulk)
    try:
        with clear_failures(UNUSABLE):
            await migrate(writing, home)
    except DatabaseError:
        await database.close()
        raise
    except OSError as error:
        await database.close()
        raise DatabaseAway(f"{UNUSABLE}: {error}") from error
    return database


async def _limit(connection: AsyncConnection, limit_s: float) -> None:
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(limit_s * 1_000)}")
        return
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None, "a connection that was given has a driver's behind it"
    end_s = time.monotonic() + limit_s
    await driver.set_progress_handler(lambda: time.monotonic() > end_s, PROGRESS_STEPS)
