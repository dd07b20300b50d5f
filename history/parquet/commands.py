"""`rialto history parquet`: write days, let old rows go, prove, read back.

The rule of this file: each command works beside a running exchange, and every failure is one
sentence and exit code 1.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from history.parquet.days import day_named, name_of
from history.parquet.errors import ParquetError
from history.parquet.manifests import Day, retired_before, written_days
from history.parquet.proving import prove_day
from history.parquet.reading import read_days
from history.parquet.retiring import retire
from history.parquet.writing import write_days
from history.sql.database import DatabaseError, HistoryDatabase, history_url, open_history
from shared.settings import Settings, SettingsError, load_settings

app = typer.Typer(help="Days of the history as Parquet files.", no_args_is_help=True)

Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]
Work = Callable[[HistoryDatabase, Path, Settings], Coroutine[Any, Any, None]]


@app.command("write")
def write_command(home: Home = "") -> None:
    """Write every day that is over; then, by history_kept_days, let go what is old."""

    async def work(database: HistoryDatabase, folder: Path, settings: Settings) -> None:
        await keep(database, folder, settings, say=typer.echo)

    _run(home, work)


@app.command("prove")
def prove_command(
    day: Annotated[str, typer.Argument(help="As 2026-11-21; all that are written if none.")] = "",
    home: Home = "",
) -> None:
    """Compare written days with the database, row by row."""

    async def work(database: HistoryDatabase, folder: Path, _settings: Settings) -> None:
        retired = retired_before(folder)
        for one in [day_named(day)] if day else written_days(folder):
            rows = await prove_day(database, folder, one, is_retired=one < retired)
            typer.echo(f"{name_of(one)}  {rows} rows of the database are in its files")

    _run(home, work)


@app.command("read")
def read_command(
    into: Annotated[Path, typer.Option("--into", help="A new folder; it gets a history.db.")],
    home: Home = "",
) -> None:
    """Read all days into an empty database, and prove them equal: the restore drill."""

    async def work(_database: HistoryDatabase, folder: Path, _settings: Settings) -> None:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with _opened(into, "") as empty:
            rows = await read_days(
                empty, folder, on_day=lambda name, count: typer.echo(f"{name}  {count} rows equal")
            )
        typer.echo(f"{rows} rows are read and equal.")

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
        say(f"{day.day}  {rows} rows, {size} bytes")

    await write_days(database, folder, told_ns=told_ns, on_day=on_day)
    retired = await retire(database, folder, settings.history_kept_days, told_ns=told_ns)
    if retired.rows or retired.partitions:
        say(
            f"{retired.rows} rows and {retired.partitions} partitions left the database; the "
            f"longest step took {retired.longest_step_s * 1_000:.1f} ms."
        )


def _run(home: str, work: Work) -> None:
    try:
        settings = load_settings({"home": home} if home else {})
        asyncio.run(_with_database(settings, work))
    except (ParquetError, DatabaseError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{error.filename} cannot be written ({error.strerror}).", err=True)
        raise typer.Exit(1) from None


async def _with_database(settings: Settings, work: Work) -> None:
    async with _opened(settings.home_path, history_url(settings)) as database:
        await work(database, settings.parquet_path, settings)


@contextlib.asynccontextmanager
async def _opened(home: Path, url: str) -> AsyncIterator[HistoryDatabase]:
    database = await open_history(home, url)
    try:
        yield database
    finally:
        await database.close()
