"""Tapes through the book of production: how many messages a second, and whether all is right.

The rule of this file: timed is what lies between the first message decoded and the last report
made. Reading the file, putting the reports in order and hashing them are not.
"""

import gc
import time
from pathlib import Path
from statistics import median

from msgspec import Struct

from engine.bench.tape import Tape, read_tape
from engine.bench.tape_book import Report, TapeBook
from engine.bench.tape_reports import expected_sha256, publish, reports_name

RUNS = 3
NS_PER_S = 1_000_000_000


class TapeResult(Struct, frozen=True):
    """What a program is told of a tape."""

    tape: str
    messages: int
    messages_per_s: int
    sha256: str


class Verdict(Struct, frozen=True):
    """A result, and whether it is what the reports beside the tape say: None without any."""

    result: TapeResult
    is_expected: bool | None


def measure(path: Path, reports_folder: Path | None) -> Verdict:
    """Run a tape, and write its reports if there is a folder for them; raises BenchError."""
    tape, expected = read_tape(path), expected_sha256(path)
    elapsed_ns: list[int] = []
    for _ in range(RUNS):
        reports: list[Report] = []  # So that those of the run before are gone.
        gc.collect()
        reports, run_ns = _timed(tape)
        elapsed_ns.append(run_ns)
    messages_per_s = round(tape.count * NS_PER_S / max(median(elapsed_ns), 1))
    sha256 = publish(reports, reports_folder and reports_folder / reports_name(path.name))
    result = TapeResult(tape.name, tape.count, messages_per_s, sha256)
    return Verdict(result, None if expected is None else sha256 == expected)


def _timed(tape: Tape) -> tuple[list[Report], int]:
    book, messages = TapeBook(), tape.messages()
    began_ns = time.perf_counter_ns()
    reports = book.run(messages)
    return reports, time.perf_counter_ns() - began_ns
