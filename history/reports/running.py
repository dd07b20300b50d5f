"""Making one report: one snapshot of the history in, one output out.

The rule of this file: it reads only: nothing is migrated, made or locked, and a report that fails
leaves no file behind.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.reports.form import Heading, Outcome, Row, time_text
from history.reports.making import ReportKind
from history.reports.outputs.output import Output
from history.reports.retired import kept_from
from history.reports.scope import Scope, asked
from history.reports.source import ReportError, Source, open_source
from history.sql.database import HistoryDatabase
from history.sql.engines import open_engines
from shared.home import history_database

PAGE_ROWS = 1_000  # Handed to an output at a time.
READING_S = 3_600.0  # One snapshot; a year of a busy venue takes minutes.
_LEFT = (
    "Trades, orders and statements before {} have left the database: its Parquet days have them."
)


class Place(NamedTuple):
    """Where a history is: home, the URL of its database ("": in home), archive, Parquet days."""

    home: Path
    url: str
    archive: Path
    parquet: Path


async def make(
    place: Place,
    kind: ReportKind,
    scope: Scope,
    output: Output,
    on_read: Callable[[int], None] = lambda _read: None,
) -> Outcome:
    """Make a report; raises ReportError and DatabaseError, and what the output raises."""
    database = open_to_read(place)
    try:
        return await make_of(
            database,
            kind,
            scope,
            output,
            archive=place.archive,
            kept_from_ns=kept_from(place.parquet),
            on_read=on_read,
        )
    finally:
        await database.close()


def open_to_read(place: Place) -> HistoryDatabase:
    """Return the history of a place as it is; raises ReportError if there is none."""
    path = history_database(place.home)
    is_file = not place.url or place.url.startswith("sqlite")
    if is_file and not path.is_file():
        raise ReportError(f"There is no history in {place.home}: {path.name} is not there.")
    try:
        # A server may count for long before it has a first row to give.
        return HistoryDatabase(*open_engines(place.url, path, silence_s=READING_S), None)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise ReportError(f"The history's database URL cannot be used: {error}") from error


async def make_of(
    database: HistoryDatabase,
    kind: ReportKind,
    scope: Scope,
    output: Output,
    *,
    archive: Path | None = None,
    kept_from_ns: int = 0,
    on_read: Callable[[int], None] = lambda _read: None,
) -> Outcome:
    """Make a report of an open history; raises as `make`."""
    outcome, page = Outcome(), list[Row]()
    async with database.reading(READING_S) as connection:
        source = await _source(connection, archive, kept_from_ns)
        source.on_read = on_read
        with _writing():
            output.begin(_heading(kind, scope, source))
        async for row in kind.make(source, scope, outcome):
            page.append(row)
            if len(page) == PAGE_ROWS:
                with _writing():
                    output.rows(page)
                page = []
    if scope.from_ns < kept_from_ns and "from" in kind.options:
        outcome.notes.append(_LEFT.format(time_text(kept_from_ns)))
    with _writing():
        output.rows(page)
        output.end(outcome)
    return outcome


async def _source(connection: AsyncConnection, archive: Path | None, kept_from_ns: int) -> Source:
    try:
        return await open_source(connection, archive, kept_from_ns)
    except sa.exc.DBAPIError as error:
        is_missing = (
            isinstance(error, sa.exc.ProgrammingError) or "no such table" in f"{error.orig}"
        )
        if not is_missing:
            raise
        raise ReportError("There is no history in that database.") from error


def _heading(kind: ReportKind, scope: Scope, source: Source) -> Heading:
    return Heading(
        kind.name,
        kind.title,
        kind.definition,
        asked(scope),
        min(source.cursor.at_ns, scope.until_ns - 1),
        source.cursor.sequence,
        time.time_ns(),
        kind.columns,
        kind.head_columns,
    )


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    # Within a transaction, a pipe that breaks would look like a database that went away.
    try:
        yield
    except OSError as error:
        raise ReportError(f"The report cannot be written: {error}") from error
