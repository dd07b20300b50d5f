"""The aggregator's commands: record outside exchanges, and replay what was recorded.

The rule of this file: words for a person in, words for a person out. What a command does is done
elsewhere, and a bad input is one sentence.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from aggregator.bench.stages import measure_stages
from aggregator.books.desk import DeskOptions
from aggregator.books.symbols import nearest_words
from aggregator.captures.reading import CaptureError
from aggregator.captures.replay import AS_FAST_AS_IT_GOES, Progress, Replay
from aggregator.captures.report import BookReport, Tally
from aggregator.doctor.commands import doctor_command
from aggregator.merge.published import PublishedExecution, published_execution
from aggregator.offline.commands import venues_command
from aggregator.operating import app
from aggregator.registry import load_connectors
from shared.settings import load_settings

if TYPE_CHECKING:
    from aggregator.recording import Recorded

__all__ = [
    "PublishedExecution",
    "app",
    "doctor_command",
    "measure_stages",
    "nearest_words",
    "published_execution",
    "record_command",
    "replay_books",
    "venues_command",
]

PROGRESS_S = 1.0  # Often enough to see that it goes on.
COLUMNS = (
    "messages",
    "updates",
    "trades",
    "verified",
    "mismatched",
    "gaps",
    "resyncs",
    "crossed",
    "state",
    "best_bid",
    "best_ask",
    "p50_us",
    "p95_us",
    "p99_us",
)


# How many times as fast as it was.
SPEEDS = {"1": 1, "10": 10, "max": AS_FAST_AS_IT_GOES}

DONE = 0
NOT_DONE = 1  # Or not right; 2 is the parser's alone, for words that it does not know.


def replay_books(
    files: Sequence[str], speed: str, *, as_json: bool, pairs: Sequence[str] = ()
) -> int:
    """Replay recordings, print what was found, and return the exit code: 0 when books were proven
    right, 1 on any mismatch, when nothing was verified, when nothing is of a pair that was asked
    for, and for what is no recording. `speed` is one of SPEEDS.
    """
    tally = Tally(frozenset(pairs))
    replay = Replay(load_connectors(), DeskOptions(guess_symbols=True), tally, SPEEDS[speed])
    try:
        replay.run(files, _Watch(is_paced=SPEEDS[speed] != AS_FAST_AS_IT_GOES))
    except CaptureError as error:
        typer.echo(f"{error}", err=True)
        return NOT_DONE
    except KeyboardInterrupt:
        replay.notes.append("It was stopped before its end.")
    for pair in tally.pairs_missing:
        nearest = nearest_words(pair, sorted(tally.pairs_seen))
        typer.echo(f"Nothing recorded is of {pair}{nearest}.", err=True)
    if tally.pairs_missing and not tally.books:
        return NOT_DONE
    if as_json:
        for book in tally.books:
            typer.echo(msgspec.json.encode(book))
    else:
        _print_table(tally.books)
    for note in (*replay.notes, *_verdict(tally)):
        typer.echo(note, err=True)
    return DONE if tally.is_proven else NOT_DONE


def record_command(
    feed: Annotated[
        list[str] | None,
        typer.Option(help="As bybit:linear; may be repeated. None: as set (venues)."),
    ] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="As BTC/USDT; may be repeated. None: the feed's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new .jsonl.xz, .jsonl.gz or .jsonl file.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="How long; 0: until it is stopped.")] = 0,
    offline: Annotated[
        str,
        typer.Option(help="Call this server of `rialto venues` instead (RIALTO_VENUES_ADDRESS)."),
    ] = "",
) -> None:
    """Record what outside exchanges send, exactly as it comes, for `rialto replay books`."""
    from aggregator.recording import RecordError, Wanted, record  # Sockets are for this one only.

    path = out or Path(time.strftime("rialto-%Y%m%dT%H%M%SZ.jsonl.xz", time.gmtime()))
    settings = load_settings()
    where = offline or settings.stand_in_address
    wanted = Wanted(tuple(feed or settings.feeds), tuple(pair or ()), path, seconds, where)
    try:
        with Console(stderr=True).status("connecting") as status:
            recorded = asyncio.run(
                record(wanted, lambda now: status.update(f"{path}: {_recorded(now)}"))
            )
    except RecordError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(NOT_DONE) from None
    for sentence in recorded.silent:
        typer.echo(sentence, err=True)
    for file in recorded.files:
        typer.echo(f"{file}")
    typer.echo(_recorded(recorded), err=True)
    if not recorded.rows:
        raise typer.Exit(NOT_DONE)


def _recorded(now: "Recorded") -> str:
    dropped = f", {now.dropped} DROPPED" if now.dropped else ""
    size = f"{now.size / 1e6:.1f} MB"
    return f"{now.rows} rows, {size}{dropped}, {now.live} of {now.books} books were live"


@dataclass
class _Watch:
    is_paced: bool
    _said_at_s: float = 0

    def __call__(self, progress: Progress) -> None:
        if not self.is_paced or time.monotonic() - self._said_at_s < PROGRESS_S:
            return
        self._said_at_s = time.monotonic()
        listings = [
            listing
            for playing in progress.player.playing.values()
            for listing in playing.desk.listings.values()
        ]
        live = sum(listing.state.value == "live" for listing in listings)
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(progress.at_ns // 1_000_000_000))
        sys.stderr.write(f"{at}  row {progress.row}  {live} of {len(listings)} books live\n")


def _print_table(books: Sequence[BookReport]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("book", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    for book in books:
        values = [getattr(book, name) for name in COLUMNS]
        table.add_row(book.book, *("-" if value is None else f"{value}" for value in values))
    # A table that is read by a program or put into a file is not folded to a narrow terminal.
    width = None if sys.stdout.isatty() else 240
    Console(width=width, soft_wrap=False).print(table)


def _verdict(tally: Tally) -> list[str]:
    lines = [f"MISMATCH {reason}" for reason in tally.reasons]
    lines += [
        f"{feed} sends nothing that could prove a book (evidence: none)."
        for feed in sorted(tally.unprovable)
    ]
    books = tally.books
    if not any(book.verified for book in books):
        return [*lines, "Nothing was verified: this recording proves no book right."]
    lines += [
        f"{book.book} was never verified; it is {book.state}."
        for book in books
        if not book.verified
    ]
    mismatched = sum(book.mismatched for book in books)
    verified = sum(book.verified for book in books)
    return [*lines, f"{verified} verified, {mismatched} mismatched, {len(books)} books."]
