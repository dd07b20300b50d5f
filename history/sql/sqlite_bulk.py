"""Writes plans to SQLite: one connection, one thread, one hop for a whole transaction.

The rule of this file: many rows to a statement. Each time SQLite is entered and left the
interpreter's lock changes hands, and with a busy event loop beside it that is what a row costs.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from history.projection.rows import CursorRow
from history.sql.engines import BUSY_TIMEOUT_S, WRITING_PRAGMAS
from history.sql.failures import clear_failures
from history.sql.plan import Part, Plan, is_written
from history.sql.tables import METADATA, cursor
from history.sql.wide import Wide, sqlite_wide

# Rows to a statement: more make it no faster. With three sizes a table has three statements, which
# are compiled once.
SIZES = (100, 10, 1)
STATEMENTS_MAX = 64  # Kept compiled: three of each table, and of orders twice as many.
WRITE = "The history cannot be written now"


class SqliteBulk:
    """The writer of one file; `close` it at the end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history-writer")
        self._connection: sqlite3.Connection | None = None

    async def write(self, plan: Plan) -> None:
        """Write a plan as one transaction; raises CursorMoved and DatabaseError."""
        with clear_failures(WRITE):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, plan)

    async def close(self) -> None:
        """Close the connection, after what is being written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)
        self._thread.shutdown()

    def _write(self, plan: Plan) -> None:
        try:
            if self._connection is None:
                self._connection = _connected(self._file)
            _carry_out(self._connection, plan)
        except BaseException:
            # To close is to roll back, whatever state a failure has left the connection in.
            self._leave()
            raise

    def _leave(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _connected(file: Path) -> sqlite3.Connection:
    # A file that is gone is not made anew without its tables.
    address = f"{file.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        address,
        BUSY_TIMEOUT_S,
        isolation_level=None,
        cached_statements=STATEMENTS_MAX,
        uri=True,
    )
    for pragma in WRITING_PRAGMAS:
        connection.execute(pragma)
    return connection


def _carry_out(connection: sqlite3.Connection, plan: Plan) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if is_written(plan, _stored(connection)):
        connection.execute("ROLLBACK")
        return
    for part in plan.parts:
        _put(connection, part)
    connection.execute("DELETE FROM cursor")
    _put(connection, Part(cursor.name, [plan.cursor]))
    connection.execute("COMMIT")


def _stored(connection: sqlite3.Connection) -> CursorRow | None:
    found = connection.execute("SELECT sequence, n, at_ns, batch_digest FROM cursor").fetchone()
    return CursorRow(*found) if found is not None else None


def _put(connection: sqlite3.Connection, part: Part) -> None:
    rows, start = _with_wide(part), 0
    for size in SIZES:
        statement = _insert(part, size)
        while start + size <= len(rows):
            values = chain.from_iterable(rows[start : start + size])
            connection.execute(statement, tuple(values))
            start += size


def _with_wide(part: Part) -> Sequence[tuple[Any, ...]]:
    columns = METADATA.tables[part.table].columns
    wide = {number for number, column in enumerate(columns) if isinstance(column.type, Wide)}
    if not wide:
        return part.rows
    return [
        tuple(sqlite_wide(value) if number in wide else value for number, value in enumerate(row))
        for row in part.rows
    ]


def _insert(part: Part, count: int) -> str:
    table = METADATA.tables[part.table]
    row = f"({','.join('?' * len(table.columns))})"
    statement = f"INSERT INTO {part.table} VALUES {','.join([row] * count)}"
    if part.changes:
        key = ",".join(column.name for column in table.primary_key)
        changes = ",".join(f"{name}=excluded.{name}" for name in part.changes)
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    return statement
