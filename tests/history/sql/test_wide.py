"""Sums beyond 64 bits are stored exactly, and to the last unit."""

import pytest
import sqlalchemy as sa

from history.projection.batch import Batch
from history.projection.rows import CandleRow, CursorRow
from history.sql.database import HistoryDatabase
from history.sql.tables import candles
from history.sql.wide import INT64_MAX, INT64_MIN
from history.sql.writer import write

CANDLE = CandleRow("M", 60, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1)
LIMITS = [
    0,
    2**53 + 1,
    INT64_MAX - 1,
    INT64_MAX,
    INT64_MAX + 1,
    2**64 - 1,
    2**64 + 1,
    10**38 - 1,
    -1,
    INT64_MIN,
    INT64_MIN - 1,
]


@pytest.mark.parametrize("by_bulk", [True, False], ids=["written", "inserted"])
async def test_a_sum_of_any_size_is_read_as_it_was_written(
    history_database: HistoryDatabase, by_bulk: bool
) -> None:
    rows = [
        CANDLE._replace(open_at_ns=number, volume_lots=value, quote_atoms=-value)
        for number, value in enumerate(LIMITS)
    ]
    if by_bulk:
        await write(history_database, Batch(candles=rows), CursorRow(1, 1, 0, ""), None)
    else:
        await write(history_database, Batch(candles=rows[:1]), CursorRow(1, 1, 0, ""), None)
        async with history_database.writing() as connection:
            values = [row._asdict() for row in rows[1:]]
            await connection.execute(candles.insert(), values)
    async with history_database.reading() as connection:
        found = await connection.execute(sa.select(candles).order_by(candles.c.open_at_ns))
        read = [CandleRow(*row) for row in found]
    assert read == rows
    assert all(type(row.volume_lots) is int for row in read)
