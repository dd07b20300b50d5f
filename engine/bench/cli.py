"""`rialto bench`: the figures of the engine, measured on the machine at hand.

The rule of this file: a benchmark is one command. It prints a table for people or one JSON object
a line for programs, and ends with 1 and a sentence if what it measured was wrong.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from engine import compiled
from engine.bench import core, pipeline, size
from engine.bench.errors import BenchError
from engine.bench.recovery import Recovery, Takeover, recovery_lines, takeover_lines
from engine.bench.tapes import TapeResult, Verdict, measure
from engine.garbage import look_rarely

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")]


@app.callback()
def bench_group() -> None:
    """Measure the engine on this machine."""
    if compiled.fault():
        typer.echo(compiled.fault(), err=True)
        raise typer.Exit(1)


@app.command("tapes")
def tapes_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tapes, .bin or .bin.gz.")],
    as_json: AsJson = False,
    reports: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report lines of each into it.")
    ] = None,
) -> None:
    """Run recorded order flow through the book, without accounts and money."""
    look_rarely()
    try:
        if reports:
            _make_folder(reports)
        verdicts = (measure(file, reports) for file in files)
        wrong = _print_json(verdicts) if as_json else _print_table(verdicts)
        if wrong:
            raise BenchError(f"Not what the reports beside the tape say: {', '.join(wrong)}.")
    except BenchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder} cannot be made: {error}.") from error


def _print_json(verdicts: Iterator[Verdict]) -> list[str]:
    """Print each verdict once it is there; return the names of the wrong ones."""
    wrong = []
    for verdict in verdicts:
        typer.echo(msgspec.json.encode(verdict.result).decode())
        if verdict.is_expected is False:
            wrong.append(verdict.result.tape)
    return wrong


AS_EXPECTED = {True: "as expected", False: "WRONG", None: "none beside it"}


def _print_table(verdicts: Iterator[Verdict]) -> list[str]:
    """Print each verdict once it is there, then the worst; return the names of the wrong ones."""
    wrong = []
    worst: TapeResult | None = None
    for verdict in verdicts:
        if worst is None:
            typer.echo(f"{'tape':<42} {'messages':>10} {'messages/s':>11}  {'sha256':<12}  reports")
        result, answer = verdict.result, AS_EXPECTED[verdict.is_expected]
        figures = f"{result.messages:>10,} {result.messages_per_s:>11,}"
        typer.echo(f"{result.tape:<42} {figures}  {result.sha256[:12]}  {answer}")
        if verdict.is_expected is False:
            wrong.append(result.tape)
        if worst is None or result.messages_per_s < worst.messages_per_s:
            worst = result
    if worst:
        typer.echo(f"{'worst: ' + worst.tape:<53} {worst.messages_per_s:>11,}")
    return wrong


@app.command("engine")
def engine_command(as_json: AsJson = False) -> None:
    """Run full commands in this process: from the journal's bytes to what a commit writes."""
    look_rarely()
    figures = core.run()
    _print([figures], core.lines([figures]), as_json=as_json)


@app.command("size")
def size_command(
    as_json: AsJson = False,
    resting: Annotated[
        list[int] | None, typer.Option(min=1, help="Orders in the book; may be repeated.")
    ] = None,
) -> None:
    """Place and cancel among few and very many resting orders."""
    figures = size.run(resting or size.SIZES)
    _print(figures, size.lines(figures), as_json=as_json)


def print_pipeline(figures: Sequence[pipeline.Figures], *, as_json: bool) -> None:
    """Print what a run of the pipeline came to; who makes the exchange for it calls this."""
    _print(figures, pipeline.lines(figures), as_json=as_json)


def print_recovery(figures: Recovery, *, as_json: bool) -> None:
    """Print what a start from rows took."""
    _print([figures], recovery_lines(figures), as_json=as_json)


def print_takeover(figures: Takeover, *, as_json: bool) -> None:
    """Print how long nobody answered when the engine was killed."""
    _print([figures], takeover_lines(figures), as_json=as_json)


def _print(figures: Sequence[msgspec.Struct], lines: Iterator[str], *, as_json: bool) -> None:
    if as_json:
        lines = (msgspec.json.encode(row).decode() for row in figures)
    for line in lines:
        typer.echo(line)
