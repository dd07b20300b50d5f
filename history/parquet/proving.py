"""Proving that a written day is the database's.

The rule of this file: row by row, every column, after the SHA-256 of the file; so counts and sums
are equal, too. Nothing leaves the database that was not proven so in the same run.
"""

import contextlib
import hashlib
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from history.parquet.days import name_of
from history.parquet.errors import ParquetError
from history.parquet.forms import ROWS_AT_ONCE, SCHEMA_VERSION, rows_in
from history.parquet.kept import Kept, all_kept
from history.parquet.manifests import DayFile, read_day
from history.parquet.writing import READING_S
from history.sql.database import HistoryDatabase


async def prove_day(
    database: HistoryDatabase, folder: Path, day: int, *, is_retired: bool = False
) -> int:
    """Compare a day with the database and return how many rows that has of it; raises ParquetError.

    Of a day that is retired the database has a few rows, each of which must be in the file.
    """
    rows = 0
    async with database.reading(READING_S) as connection:
        for kept, file in files_of_day(folder, day):
            rows += await _prove(connection, folder, kept, file, day, is_retired=is_retired)
    return rows


def files_of_day(folder: Path, day: int) -> Iterator[tuple[Kept, DayFile]]:
    """Yield the tables of a written day, each file's hash checked; raises ParquetError."""
    manifest = read_day(folder, day)
    if manifest.schema_version > SCHEMA_VERSION:
        raise ParquetError(
            f"{manifest.day} was written by a newer Rialto ({manifest.program_version})."
        )
    named = {file.table: file for file in manifest.files}
    for kept in all_kept():
        if kept.name not in named:
            raise ParquetError(f"The manifest of {manifest.day} lacks {kept.name}.")
        _check_hash(folder, named[kept.name])
        yield kept, named[kept.name]


def rows_of_file(folder: Path, kept: Kept, file: DayFile) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a file of a day; raises ParquetError."""
    if not file.file:
        return
    try:
        yield from rows_in(folder / file.file, kept.table)
    except (OSError, ValueError) as error:  # What pyarrow raises is one of them.
        raise ParquetError(f"{folder / file.file} cannot be read ({error}).") from error


def _check_hash(folder: Path, file: DayFile) -> None:
    if not file.file:
        return
    path = folder / file.file
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ParquetError(f"{path} cannot be read ({error.strerror}).") from error
    if digest != file.sha256:
        raise ParquetError(f"{path} was changed: its SHA-256 is another one.")


async def _prove(
    connection: AsyncConnection,
    folder: Path,
    kept: Kept,
    file: DayFile,
    day: int,
    *,
    is_retired: bool,
) -> int:
    written, count = rows_of_file(folder, kept, file), 0
    where = f"{kept.name} of {name_of(day)}"
    async with contextlib.aclosing(_stored(connection, kept, day)) as stored:
        async for row in stored:
            count += 1
            other = next(written, None)
            while is_retired and other is not None and other != row:
                other = next(written, None)
            if other != row:
                raise ParquetError(f"{where}: the file has {other}, the database {row}.")
    if is_retired:
        return count
    other = next(written, None)
    if other is not None:
        raise ParquetError(f"{where}: the file has {other}, the database has no more.")
    if count != file.rows:
        raise ParquetError(f"{where}: the manifest says {file.rows} rows, there are {count}.")
    return count


async def _stored(
    connection: AsyncConnection, kept: Kept, day: int
) -> AsyncGenerator[tuple[Any, ...], None]:
    async with connection.stream(
        kept.of_day(day, connection.dialect.name), execution_options={"yield_per": ROWS_AT_ONCE}
    ) as result:
        async for row in result:
            yield tuple(row)
