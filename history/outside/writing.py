"""Reading and writing the record of outside exchanges.

The rule of this file: what is written twice is there once, so that a write whose answer was lost is
simply done again; and what is old goes in small steps, between which others have their turn.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from history.outside.books import BookRows, Newest, Row, read_candle
from history.projection.intervals import DAY_S, INTERVALS_S, SECOND_NS
from history.sql.database import HistoryDatabase
from history.sql.outside_tables import (
    outside_candles,
    outside_gaps,
    outside_touches,
    outside_trades,
)

PRUNE_ROWS_MAX = 5_000  # In one transaction: some ten milliseconds.
PRUNE_STEPS_MAX = 40  # In one go, of each table; what is left waits for the next.

_TIMES = (
    (outside_trades, outside_trades.c.at_ns),
    (outside_touches, outside_touches.c.at_ns),
    (outside_gaps, outside_gaps.c.until_ns),
)


async def load_newest(connection: AsyncConnection, book: str) -> Newest:
    """Return how far a book is recorded; all zero where nothing is."""
    columns = outside_trades.c
    chosen = sa.select(columns.sequence, columns.at_ns).where(columns.book == book)
    newest = (await connection.execute(chosen.order_by(columns.sequence.desc()).limit(1))).first()
    if newest is None:
        return Newest(0, 0)
    candles = []
    at = outside_candles.c.open_at_ns
    for interval_s in INTERVALS_S.values():
        found = await connection.execute(_candles(book, interval_s).order_by(at.desc()).limit(1))
        candles += [read_candle(row) for row in found]
    return Newest(newest.sequence, newest.at_ns, tuple(candles))


async def load_touch_ns(connection: AsyncConnection, book: str) -> int:
    """Return when the newest touch of a book was received that is stored, 0 if there is none."""
    chosen = sa.select(sa.func.max(outside_touches.c.at_ns)).where(outside_touches.c.book == book)
    return int(await connection.scalar(chosen) or 0)


async def write_rows(
    database: HistoryDatabase, books: Sequence[BookRows], touches: Sequence[Row]
) -> None:
    """Write everything in one transaction; raises DatabaseError."""
    parts = (
        (outside_trades, [row for book in books for row in book.trades]),
        (outside_gaps, [row for book in books for row in book.gaps]),
        (outside_candles, [row for book in books for row in book.candles]),
        (outside_touches, list(touches)),
    )
    async with database.writing() as connection:
        for table, rows in parts:
            if rows:
                await connection.execute(_put(table, database.dialect), rows)


async def prune(database: HistoryDatabase, now_ns: int, kept_days: int) -> int:
    """Delete what is older than so many days, in steps; return how many rows that were."""
    before_ns = now_ns - kept_days * DAY_S * SECOND_NS
    columns = outside_candles.c
    close_at_ns = columns.open_at_ns + columns.interval_s * SECOND_NS
    are_old = [(table, at, at < before_ns) for table, at in _TIMES]
    is_closed = sa.and_(columns.open_at_ns < before_ns, close_at_ns < before_ns)
    are_old.append((outside_candles, columns.open_at_ns, is_closed))
    deleted = 0
    for table, at, is_old in are_old:
        for _ in range(PRUNE_STEPS_MAX):
            step = await _delete(database, table, at, is_old)
            deleted += step
            if step < PRUNE_ROWS_MAX:
                break
    return deleted


async def klines(
    connection: AsyncConnection, book: str, interval_s: int, *, from_ns: int, limit: int
) -> list[Row]:
    """Return the candles of a book that open at `from_ns` or later, oldest first, amounts as text.

    Intervals without a trade are not there: whether there was none is known where no gap was.
    """
    at = outside_candles.c.open_at_ns
    chosen = _candles(book, interval_s).where(at >= from_ns).order_by(at).limit(limit)
    return [dict(row) for row in (await connection.execute(chosen)).mappings()]


def _candles(book: str, interval_s: int) -> sa.Select[Any]:
    columns = outside_candles.c
    return sa.select(outside_candles).where(columns.book == book, columns.interval_s == interval_s)


def _put(table: sa.Table, dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    put: Any = insert(table)
    if table is not outside_candles:
        return put.on_conflict_do_nothing()
    keys = [column.name for column in table.primary_key]
    grown = {column.name: put.excluded[column.name] for column in table.c if not column.primary_key}
    return put.on_conflict_do_update(index_elements=keys, set_=grown)


async def _delete(
    database: HistoryDatabase,
    table: sa.Table,
    at: sa.Column[int],
    is_old: sa.ColumnElement[bool],
) -> int:
    key = list(table.primary_key)
    oldest = sa.select(*key).where(is_old).order_by(at).limit(PRUNE_ROWS_MAX)
    async with database.writing() as connection:
        done = await connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(oldest)))
        return done.rowcount
