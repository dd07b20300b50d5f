"""Whole months of PostgreSQL that go at once.

The rule of this file: a partition is dropped only if every row in it may leave; else its rows go
one by one, and what stays keeps it.
"""

import re
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.parquet.kept import Kept
from history.parquet.writing import READING_S
from history.sql.database import DatabaseError, HistoryDatabase

LOCK_TIMEOUT_MS = 50
_BOUNDS = re.compile(r"FOR VALUES FROM \('?(-?\d+)'?\) TO \('?(-?\d+)'?\)")
_PARTITIONS = sa.TextClause(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent "
    "WHERE p.relname = :table AND p.relnamespace = current_schema()::regnamespace "
    "ORDER BY c.relname"
)


class Month(NamedTuple):
    """A partition and its bounds, by the column that its table is partitioned by."""

    name: str
    from_ns: int
    to_ns: int


async def old_months(database: HistoryDatabase, kept: Kept, before_ns: int) -> list[Month]:
    """Return the partitions of a table that end before a time."""
    async with database.reading(READING_S) as connection:
        rows = await connection.execute(_PARTITIONS, {"table": kept.name})
        found = [(name, _BOUNDS.fullmatch(bounds)) for name, bounds in rows]
    months = [Month(name, int(match[1]), int(match[2])) for name, match in found if match]
    return [month for month in months if month.to_ns <= before_ns]


async def drop_month(database: HistoryDatabase, kept: Kept, month: Month, before_ns: int) -> bool:
    """Drop a partition if nothing in it has to stay, and say whether it was dropped: not, too, if
    its table is busy, for whoever comes after us would wait behind us.
    """
    try:
        return await _drop_month(database, kept, month, before_ns)
    except DatabaseError:
        return False


async def _drop_month(database: HistoryDatabase, kept: Kept, month: Month, before_ns: int) -> bool:
    async with database.writing(READING_S) as connection:
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        if await _something_stays(connection, kept, month, before_ns):
            return False
        # Locked before it is looked at again: an order placed long ago may have been written to it.
        lock = f'LOCK TABLE "{month.name}" IN ACCESS EXCLUSIVE MODE'
        await connection.exec_driver_sql(lock)
        if await _something_stays(connection, kept, month, before_ns):
            return False
        await connection.exec_driver_sql(f'DROP TABLE "{month.name}"')
    return True


async def _something_stays(
    connection: AsyncConnection, kept: Kept, month: Month, before_ns: int
) -> bool:
    going = kept.keys_going(before_ns)
    assert going is not None, "a table that lets rows go"
    partition = sa.table(month.name)
    there = await connection.scalar(sa.select(sa.func.count()).select_from(partition))
    column = next(c for c in kept.key if c.name.endswith("at_ns"))
    within = (column >= month.from_ns) & (column < month.to_ns)
    leaving = await connection.scalar(
        sa.select(sa.func.count()).select_from(going.where(within).subquery())
    )
    return there != leaving
