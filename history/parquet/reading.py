"""Days read back into an empty database, and proven equal to their files: the restore drill.

The rule of this file: an empty history only, and what was read in is compared row by row after.
The database that comes of it has all that is over; the recorder makes the whole history from the
archive.
"""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from history.parquet.errors import ParquetError
from history.parquet.forms import ROWS_AT_ONCE
from history.parquet.manifests import read_day, written_days
from history.parquet.proving import files_of_day, prove_day, rows_of_file
from history.sql import tables as t
from history.sql.database import HistoryDatabase

WRITING_S = 600.0  # Ten thousand rows take a second; nobody else writes here.


async def read_days(
    database: HistoryDatabase,
    folder: Path,
    *,
    make_room: Callable[..., object] | None = None,
    on_day: Callable[[str, int], None] = lambda _day, _rows: None,
) -> int:
    """Read all days into an empty database, prove each equal, and return the count of rows."""
    await _refuse_filled(database)
    days, rows = written_days(folder), 0
    if not days:
        raise ParquetError(f"There are no days in {folder}.")
    for day in days:
        await _read_day(database, folder, day)
    await _read_names(database, folder, days[-1])
    for day in days:
        count = await prove_day(database, folder, day)
        on_day(read_day(folder, day).day, count)
        rows += count
    return rows


async def _refuse_filled(database: HistoryDatabase) -> None:
    async with database.reading() as connection:
        for table in t.METADATA.sorted_tables:
            if (await connection.execute(sa.select(table).limit(1))).first() is not None:
                raise ParquetError(
                    f"The database has {table.name} already: days are read into an empty one."
                )


async def _read_day(database: HistoryDatabase, folder: Path, day: int) -> None:
    for kept, file in files_of_day(folder, day):
        rows = rows_of_file(folder, kept, file)
        while part := list(islice(rows, ROWS_AT_ONCE)):
            names = kept.table.columns.keys()
            async with database.writing(WRITING_S) as connection:
                await connection.execute(
                    sa.insert(kept.table), [dict(zip(names, row, strict=True)) for row in part]
                )


async def _read_names(database: HistoryDatabase, folder: Path, day: int) -> None:
    manifest = read_day(folder, day)
    async with database.writing() as connection:
        for table, rows in ((t.assets, manifest.assets), (t.markets, manifest.markets)):
            if rows:
                await connection.execute(sa.insert(table), [row._asdict() for row in rows])
