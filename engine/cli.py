"""`rialto engine`: what an operator does to a venue at the machine itself; and a day's replay, for
whoever makes the exchange that it runs on.

The rule of this file: it works on Redis alone, whether an engine runs or not, and every failure is
one sentence and exit code 1.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import redis
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine import compiled
from engine.bench.cli import app as bench_app
from engine.bench.cli import print_pipeline, print_recovery, print_takeover
from engine.bench.events import Stream, commands_of, event_batches
from engine.bench.pipeline import Load as PipelineLoad
from engine.bench.pipeline import run as run_pipeline
from engine.bench.recovery import measure_recovery, measure_takeover
from engine.operations import Refused, VenueStatus, read_status, resume, skip
from engine.options import limits_of
from engine.proof import read_proof, rows_of
from engine.redis_link import RedisLink
from engine.replay.errors import ReplayError
from engine.replay.replay import prepare, replay
from engine.replay.report import Report, lines
from engine.replay.verdict import PreparedDay
from engine.verify import lines as verdict_lines
from engine.verify import verify
from shared.channels import Keys
from shared.home import read_run_redis_url
from shared.settings import Settings, SettingsError, load_settings

__all__ = [
    "PipelineLoad",
    "PreparedDay",
    "ReplayError",
    "Stream",
    "app",
    "bench_app",
    "commands_of",
    "event_batches",
    "measure_recovery",
    "measure_takeover",
    "prepare",
    "print_pipeline",
    "print_recovery",
    "print_takeover",
    "replay_with_bar",
    "run_pipeline",
    "show",
    "verify_command",
]

app = typer.Typer(help="Look at the engine, and help it over a command.", no_args_is_help=True)

Home = Annotated[
    str, typer.Option("--home", help="The folder of this exchange (RIALTO_HOME, or .rialto).")
]


@app.command("status")
def status_command(home: Home = "") -> None:
    """Say how far the venue is and what stops it."""
    with _opened(home) as (link, keys):
        status = read_status(link, keys)
    for name, value in _status_rows(status):
        typer.echo(f"{name:<20} {value}")


@app.command("skip")
def skip_command(
    n: Annotated[int, typer.Argument(help="The journal entry that the halt names.", min=1)],
    home: Home = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Go on without the command that has halted the venue; it is never carried out."""
    with _opened(home) as (link, keys):
        if not yes and not _agreed(n, read_status(link, keys).halt):
            raise _failed("Nothing was skipped.")
        skip_n = skip(link, keys, n)
    typer.echo(f"Entry {n} is skipped, by entry {skip_n}; the engine goes on.")


@app.command("resume")
def resume_command(home: Home = "") -> None:
    """Lift the halt and try the command again, when its deaths had another cause."""
    with _opened(home) as (link, keys):
        resume(link, keys)
    typer.echo("The halt is lifted; the engine tries the entry again.")


@app.command("proof")
def proof_command(
    home: Home = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show for each asset what came in, what left, who has it, and that it adds up."""
    with _opened(home) as (link, keys):
        found = read_proof(link, keys)
    proof, rows = found.proof, rows_of(found)
    if as_json:
        report = {"position": proof.position, "adds_up": proof.adds_up, "assets": rows}
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print_table(rows)
    if not proof.adds_up:
        raise _failed("The books do not add up: see the difference above, and halt the venue.")


def _print_table(rows: list[dict[str, str]]) -> None:
    table = Table(*(rows[0] if rows else ("no assets",)), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


def _status_rows(status: VenueStatus) -> Iterator[tuple[str, object]]:
    yield "engine", "alive" if status.is_alive else "not running"
    yield "position", status.position
    yield "sequence", status.sequence
    yield "journal", f"{status.last_n} entries, {status.waiting} waiting"
    yield "unreadable", status.unreadable
    if status.deaths:
        yield "deaths", f"{status.deaths} at entry {status.counted_n}"
    else:
        yield "deaths", "none"
    yield "halted", status.halt or "no"
    yield from _standby_rows(status)


def _standby_rows(status: VenueStatus) -> Iterator[tuple[str, object]]:
    note = status.standby
    if note is None:
        yield "standby", "not running"
        return
    behind = max(0, status.position - note.position)
    yield "standby", f"{note.state}, {behind} entries behind ({note.owner})"
    if note.verified_hash:
        yield "verified", f"entry {note.verified_position}, state hash {note.verified_hash}"
    if note.snapshot_position:
        yield "snapshot", f"of entry {note.snapshot_position}"


def _agreed(n: int, halt: str) -> bool:
    if not sys.stdin.isatty():
        raise _failed(f"Skipping entry {n} needs an answer: say --yes.")
    typer.echo(f"The venue is halted: {halt}" if halt else "The venue is not halted.")
    return typer.confirm(f"Skip entry {n}, so that it is never carried out?")


@contextlib.contextmanager
def _opened(home: str) -> Iterator[tuple[RedisLink, Keys]]:
    try:
        settings = load_settings({"home": home} if home else {})
        with contextlib.closing(RedisLink(_redis_url(settings))) as link:
            link.open()
            yield link, Keys(settings.venue)
    except (SettingsError, Refused) as error:
        raise _failed(str(error)) from None
    except (redis.RedisError, OSError) as error:
        raise _failed(f"Redis does not answer ({error}): is the exchange running?") from None


def _redis_url(settings: Settings) -> str:
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise Refused(
            f"No exchange runs in {settings.home_path}: start it with `rialto up`, "
            "or name its Redis with RIALTO_REDIS_URL."
        )
    return url


def _failed(sentence: str) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(1)


# ---- verify ----


def verify_command(
    archive: Annotated[
        Path | None, typer.Argument(help="The folder of the archive; that of the exchange if none.")
    ] = None,
    home: Home = "",
    snapshots: Annotated[
        Path | None, typer.Option(help="The folder of snapshots to compare on the way.")
    ] = None,
    from_snapshot: Annotated[
        bool, typer.Option("--from-snapshot", help="Begin at the newest good snapshot.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Carry out the archive once more and say whether every hash agrees."""
    if compiled.fault():
        raise _failed(compiled.fault())
    try:
        settings = load_settings({"home": home} if home else {})
    except SettingsError as error:
        raise _failed(str(error)) from None
    folder = settings.archive_path if archive is None else archive
    if snapshots is None:
        beside = folder.resolve().parent / "snapshots"
        snapshots = settings.snapshot_path if archive is None else beside
    with _progress("verify") as on_progress:
        verdict = verify(
            folder,
            limits_of(settings),
            snapshots=snapshots,
            from_snapshot=from_snapshot,
            on_progress=on_progress,
        )
    if as_json:
        typer.echo(msgspec.json.encode(verdict).decode())
    else:
        for line in verdict_lines(verdict):
            typer.echo(line)
    if not verdict.ok:
        raise typer.Exit(1)


# ---- replay ----


async def replay_with_bar(
    prepared: PreparedDay, redis_url: str, venue: str, *, in_flight: int
) -> Report:
    """Replay a day on a new exchange; a terminal on standard error sees a progress bar."""
    total = len(prepared.plan.commands)
    with _progress("replay") as on_progress:
        return await replay(
            prepared,
            redis_url,
            venue,
            in_flight=in_flight,
            on_progress=lambda count: on_progress(count, total),
        )


def show(report: Report, *, as_json: bool) -> None:
    """Print the report on standard output: one JSON object, or lines for a person."""
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
        return
    for line in lines(report):
        typer.echo(line)


@contextlib.contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Give a bar to tell how much is done, and of how much; only a terminal shows it."""
    console = Console(stderr=True)
    columns = TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
