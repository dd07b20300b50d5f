"""`rialto history parquet`: write days, let old rows go, prove, read back.

The rule of this file: each command works beside a running exchange, and every failure is one
sentence and exit code 1.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from history.parquet.days import day_named, name_of
from history.parquet.errors import ParquetError
from history.parquet.lock import alone
from history.parquet.manifests import Day, retired_before, written_days
from history.parquet.proving import prove_day
from history.parquet.reading import read_days
from history.parquet.retiring import retire
from history.parquet.writing import READING_S, write_days
from history.sql.database import DatabaseError, HistoryDatabase, history_url, open_history
from shared.home import history_database
from shared.settings import Settings, SettingsError, load_settings
from shared.words import counted

app = typer.Typer(help="Days of the history as Parquet files.", no_args_is_help=True)

Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]
Work = Callable[[Settings], Coroutine[Any, Any, None]]
PRIVATE_UMASK = 0o077  # Every order and all money: it is its owner's business.

NO_DAY_IS_OVER = "No day is over yet: the first is written after it ends, at 00:00 UTC."


@app.command("write")
def write_command(home: Home = "") -> None:
    """Write every day that is over; then, by history_kept_days, let go what is old."""

    async def work(settings: Settings) -> None:
        async with _history(settings) as database:
            with alone(settings.parquet_path):
                await keep(database, settings.parquet_path, settings, say=typer.echo)

    _run(home, work)


@app.command("prove")
def prove_command(
    day: Annotated[str, typer.Argument(help="As 2026-11-21; all that are written if none.")] = "",
    home: Home = "",
) -> None:
    """Compare written days with the database, row by row."""

    async def work(settings: Settings) -> None:
        folder = settings.parquet_path
        async with _history(settings) as database:
            for one in _wanted(folder, day):
                # Asked for each, since rows may be let go while this goes on.
                is_retired = one < retired_before(folder)
                rows = await prove_day(database, folder, one, is_retired=is_retired)
                said = counted(rows, "row of the database is", "rows of the database are")
                typer.echo(f"{name_of(one)}  {said} in its files")

    _run(home, work)


def _wanted(folder: Path, day: str) -> list[int]:
    written = written_days(folder)
    if not day:
        if not written:
            raise ParquetError(f"0 days, nothing was compared: there are no days in {folder}.")
        return written
    if day_named(day) not in written:
        raise ParquetError(f"{day} is not written.")
    return [day_named(day)]


@app.command("read")
def read_command(
    into: Annotated[Path, typer.Option("--into", help="A new folder; it gets a history.db.")],
    home: Home = "",
) -> None:
    """Read all days into an empty database, and prove them equal: the restore drill."""

    async def work(settings: Settings) -> None:
        if not written_days(settings.parquet_path):
            raise ParquetError(f"There are no days in {settings.parquet_path}.")
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with _opened(into, "") as empty:
            rows = await read_days(
                empty,
                settings.parquet_path,
                on_day=lambda name, count: typer.echo(f"{name}  {counted(count, 'row')} equal"),
            )
        typer.echo(f"{counted(rows, 'row is', 'rows are')} read and equal.")

    _run(home, work)


async def keep(
    database: HistoryDatabase,
    folder: Path,
    settings: Settings,
    *,
    told_ns: int = 0,
    say: Callable[[str], None] = lambda _line: None,
) -> None:
    """Write the days that are over, then let old rows go; raises ParquetError, DatabaseError."""

    def on_day(day: Day) -> None:
        rows, size = sum(f.rows for f in day.files), sum(f.bytes for f in day.files)
        say(f"{day.day}  {counted(rows, 'row')}, {counted(size, 'byte')}")

    if not await write_days(database, folder, told_ns=told_ns, on_day=on_day):
        is_any = bool(written_days(folder))
        say("Every day that is over is written." if is_any else NO_DAY_IS_OVER)
    retired = await retire(database, folder, settings.history_kept_days, told_ns=told_ns)
    if retired.rows or retired.partitions:
        partitions = counted(retired.partitions, "partition")
        say(
            f"{counted(retired.rows, 'row')} and {partitions} left the database; the"
            f" longest step took {retired.longest_step_s * 1_000:.1f} ms."
        )


def _run(home: str, work: Work) -> None:
    os.umask(PRIVATE_UMASK)
    try:
        asyncio.run(work(load_settings({"home": home} if home else {})))
    except (ParquetError, DatabaseError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{error.filename} cannot be written ({error.strerror}).", err=True)
        raise typer.Exit(1) from None


def _history(settings: Settings) -> contextlib.AbstractAsyncContextManager[HistoryDatabase]:
    home, url = settings.home_path, history_url(settings)
    path = history_database(home)
    # One that is not there is never made: the folder may be another's.
    if not path.is_file() and (not url or url.startswith("sqlite")):
        raise ParquetError(f"There is no history in {home}: {path.name} is not there.")
    return _opened(home, url)


@contextlib.asynccontextmanager
async def _opened(home: Path, url: str) -> AsyncIterator[HistoryDatabase]:
    database = await open_history(home, url, silence_s=READING_S)
    try:
        yield database
    finally:
        await database.close()
