"""A measurement from beginning to end: a database that nobody uses, the work, and its end.

The rule of this file: each measurement has a new database, and leaves none behind.
"""

import asyncio
import gc
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from history.bench.errors import BenchError
from history.bench.klines import Asked, measure_klines
from history.bench.places import own_database
from history.bench.writing import Written, measure_writing
from history.sql.database import DatabaseError, HistoryDatabase, open_history

GARBAGE_THRESHOLD = 250_000  # As the recorder has it: rows have no cycles.

T = TypeVar("T")


def run_writing(url: str, packed: Iterable[bytes]) -> Written:
    """Record events in SQLite ("") or on the PostgreSQL server of a URL; raises BenchError."""
    return _on_database(url, lambda database: measure_writing(database, packed))


def run_klines(url: str, trades: int) -> Asked:
    """Ask for candles among so many trades; raises BenchError."""
    return _on_database(url, lambda database: measure_klines(database, trades))


def _on_database(url: str, work: Callable[[HistoryDatabase], Awaitable[T]]) -> T:
    async def run(home: Path, own: str) -> T:
        database = await open_history(home, own)
        try:
            return await work(database)
        finally:
            await database.close()

    gc.set_threshold(GARBAGE_THRESHOLD)
    with own_database(url) as own, tempfile.TemporaryDirectory(prefix="rialto-history-") as folder:
        try:
            return asyncio.run(run(Path(folder), own))
        except DatabaseError as error:
            raise BenchError(str(error)) from error
