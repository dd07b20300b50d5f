"""Writing days that are over.

The rule of this file: killed at any moment it leaves whole files, or files that begin with a dot;
repeated, it does what is missing. All of a day is read in one moment of the database.
"""

import hashlib
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.parquet.days import day_of, end_ns, name_of
from history.parquet.forms import ROWS_AT_ONCE, SCHEMA_VERSION, batch_of, schema_of
from history.parquet.kept import Kept, all_kept
from history.parquet.manifests import (
    Day,
    DayFile,
    day_bytes,
    manifest_path,
    rename_whole,
    write_whole,
    written_days,
)
from history.projection.rows import AssetRow, MarketRow
from history.sql import tables as t
from history.sql.database import HistoryDatabase

READING_S = 3_600.0  # A day of a table of ten million rows is a minute's work.


async def watermark_of(database: HistoryDatabase, told_ns: int = 0) -> int:
    """Return the time before which nothing more can happen, 0 for an empty history: that of the
    last event recorded, or a later one that the recorder has told.
    """
    async with database.reading() as connection:
        at_ns = await connection.scalar(sa.select(sa.func.max(t.cursor.c.at_ns)))
    return max(int(at_ns), told_ns) if at_ns is not None else 0


async def write_days(
    database: HistoryDatabase,
    folder: Path,
    *,
    told_ns: int = 0,
    on_day: Callable[[Day], None] = lambda _day: None,
) -> list[int]:
    """Write every day that is over and not written yet, and return which."""
    watermark_ns = await watermark_of(database, told_ns)
    done: list[int] = []
    first = await _first_day(database, folder)
    if first is None:
        return done
    day = first
    while end_ns(day) <= watermark_ns:
        on_day(await _write_day(database, folder, day))
        done.append(day)
        day += 1
    return done


async def _first_day(database: HistoryDatabase, folder: Path) -> int | None:
    written = written_days(folder)
    if written:
        return written[-1] + 1
    oldest: list[int] = []
    async with database.reading(READING_S) as connection:
        for kept in all_kept():
            found = await connection.scalar(sa.select(sa.func.min(kept.ends)).where(kept.over))
            oldest += [] if found is None else [int(found)]
    return day_of(min(oldest)) if oldest else None


async def _write_day(database: HistoryDatabase, folder: Path, day: int) -> Day:
    async with database.reading(READING_S) as connection:
        files = [await _write_table(connection, folder, kept, day) for kept in all_kept()]
        assets = [
            AssetRow(*row)
            for row in await connection.execute(sa.select(t.assets).order_by(t.assets.c.asset))
        ]
        markets = [
            MarketRow(*row)
            for row in await connection.execute(sa.select(t.markets).order_by(t.markets.c.market))
        ]
    manifest = Day(
        day=name_of(day),
        schema_version=SCHEMA_VERSION,
        program_version=metadata.version("rialto"),
        files=files,
        assets=assets,
        markets=markets,
    )
    write_whole(manifest_path(folder, day), day_bytes(manifest))
    return manifest


async def _write_table(connection: AsyncConnection, folder: Path, kept: Kept, day: int) -> DayFile:
    path = folder / kept.name / f"{name_of(day)}.parquet"
    writer = _Writer(path, kept)
    try:
        async with connection.stream(
            kept.of_day(day, connection.dialect.name), execution_options={"yield_per": ROWS_AT_ONCE}
        ) as result:
            async for rows in result.partitions(ROWS_AT_ONCE):
                writer.write(rows)
        return writer.finish()
    finally:
        writer.close()


class _Writer:
    """A Parquet file that appears when it is whole; without rows there is none."""

    def __init__(self, path: Path, kept: Kept) -> None:
        self._path, self._kept = path, kept
        self._partial = path.with_name(f".{path.name}")
        self._schema = schema_of(kept.table)
        self._file: Any = None
        self._rows = self._first = self._last = 0

    def write(self, rows: Any) -> None:
        import pyarrow.parquet as pq

        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(self._partial, self._schema, compression="zstd")
        self._file.write_batch(batch_of(self._kept.table, self._schema, rows))
        self._rows += len(rows)
        if self._kept.sequence:
            place = list(self._kept.table.columns.keys()).index(self._kept.sequence)
            sequences = [row[place] for row in rows]
            self._first = min(self._first or sequences[0], *sequences)
            self._last = max(self._last, *sequences)

    def finish(self) -> DayFile:
        if self._file is None:
            return DayFile(table=self._kept.name, rows=0)
        self.close()
        with self._partial.open("r+b") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.seek(0, os.SEEK_END)
        rename_whole(self._partial, self._path)
        return DayFile(
            table=self._kept.name,
            rows=self._rows,
            file=f"{self._kept.name}/{self._path.name}",
            bytes=size,
            sha256=digest,
            first_sequence=self._first,
            last_sequence=self._last,
        )

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
