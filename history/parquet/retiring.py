"""Letting old rows go from the database, once their days are written and proven.

The rule of this file: the days first, and then only rows of these days, a few at a time, so that
the recorder hardly waits. What stays, however old: open orders; the newest line of each account
and asset, which is the opening balance of the lines that follow; the newest trade and candle of
each market, whose close the empty intervals after it have; candles of a minute and more; deposits,
withdrawals, and what operators did. Killed at any moment it goes on at the next run.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from history.parquet.days import begin_ns, day_of
from history.parquet.kept import Kept, all_kept
from history.parquet.manifests import note_retired, retired_before, written_days
from history.parquet.old_months import drop_month, old_months
from history.parquet.proving import prove_day
from history.parquet.writing import READING_S, watermark_of
from history.sql.database import HistoryDatabase

# A step holds SQLite's one write lock: the recorder waits for it.
STEP_S = 0.01
STEP_ROWS_FIRST = 100
STEP_ROWS_MAX = 5_000
REST_FACTOR = 3  # After each step it keeps away that many times as long, for the recorder's sake.
KEYS_AT_ONCE = 20_000  # Held in memory between the read that finds them and the steps: some MB.


@dataclass(slots=True)
class Retired:
    """What has left, and how long the longest step was."""

    days: int = 0
    rows: int = 0
    partitions: int = 0
    longest_step_s: float = 0.0


async def retire(
    database: HistoryDatabase, folder: Path, kept_days: int, *, told_ns: int = 0
) -> Retired:
    """Remove what is older than `kept_days` whole days before the present one, 0: nothing.

    Raises ParquetError, with nothing removed, if a day that has rows to go is not proven.
    """
    retired = Retired()
    watermark_ns = await watermark_of(database, told_ns)
    before_ns = begin_ns(max(0, day_of(watermark_ns) - kept_days))
    if not kept_days or not before_ns:
        return retired
    written = [day for day in written_days(folder) if begin_ns(day) < before_ns]
    was_retired = retired_before(folder)
    for day in [day for day in written if await _has_rows(database, day, before_ns)]:
        await prove_day(database, folder, day, is_retired=day < was_retired)
        retired.days += 1
    if not retired.days:
        return retired
    # Days are written without a gap, so all before the newest of them are.
    before_day = written[-1] + 1
    note_retired(folder, max(was_retired, before_day))
    before_ns = begin_ns(before_day)
    for kept in all_kept():
        await _retire_table(database, kept, before_ns, retired)
    return retired


async def _has_rows(database: HistoryDatabase, day: int, before_ns: int) -> bool:
    """Whether rows of a day may leave."""
    async with database.reading(READING_S) as connection:
        for kept in all_kept():
            query = kept.keys_going(before_ns, since_ns=begin_ns(day), until_ns=begin_ns(day + 1))
            if query is not None and (await connection.execute(query.limit(1))).first():
                return True
    return False


async def _retire_table(
    database: HistoryDatabase, kept: Kept, before_ns: int, retired: Retired
) -> None:
    if kept.going is None:
        return
    if database.dialect == "postgresql":
        for month in await old_months(database, kept, before_ns):
            if await drop_month(database, kept, month, before_ns):
                retired.partitions += 1
    last: tuple[Any, ...] | None = None
    while keys := await _keys_going(database, kept, before_ns, last):
        await _remove(database, kept, keys, retired)
        last = keys[-1]


async def _keys_going(
    database: HistoryDatabase, kept: Kept, before_ns: int, after: tuple[Any, ...] | None
) -> list[Any]:
    query = kept.keys_going(before_ns, after=after)
    assert query is not None, "a table that lets rows go"
    query = query.order_by(*kept.key)
    async with database.reading(READING_S) as connection:
        return [tuple(row) for row in await connection.execute(query.limit(KEYS_AT_ONCE))]


async def _remove(database: HistoryDatabase, kept: Kept, keys: list[Any], retired: Retired) -> None:
    names = [f"key_{column.name}" for column in kept.key]
    of_key = [column == sa.bindparam(name) for column, name in zip(kept.key, names, strict=True)]
    statement = sa.delete(kept.table).where(*of_key)
    size, begin = STEP_ROWS_FIRST, 0
    while begin < len(keys):
        part = [dict(zip(names, key, strict=True)) for key in keys[begin : begin + size]]
        async with database.writing() as connection:
            begun_s = time.monotonic()
            await connection.execute(statement, part)
        took_s = time.monotonic() - begun_s
        retired.rows += len(part)
        retired.longest_step_s = max(retired.longest_step_s, took_s)
        begin += len(part)
        size = max(1, min(STEP_ROWS_MAX, int(size * min(2.0, STEP_S / max(took_s, 1e-6)))))
        await asyncio.sleep(took_s * REST_FACTOR)
