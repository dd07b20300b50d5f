"""The reports of a tape as text: one line each, in the one order in which all engines are compared.

The rule of this file: the bytes that are hashed are the bytes that are written.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from operator import itemgetter
from pathlib import Path

from engine.bench.errors import BenchError
from engine.bench.tape_book import Report

TAPE_PREFIX, REPORTS_PREFIX = "orders_", "reports_"
LINES_AT_ONCE = 10_000  # A megabyte or so: enough for the hash to be the work, not the calls.
READ_BYTES = 1024**2


def in_order(reports: list[Report]) -> Iterator[str]:
    """Yield the lines by sequence, then kind; sorts the list itself."""
    reports.sort(key=itemgetter(1, 0))
    return (",".join(map(str, report)) for report in reports)


def publish(reports: list[Report], path: Path | None) -> str:
    """Return the SHA-256 of the lines, and write them if there is a path; raises BenchError."""
    digest = hashlib.sha256()
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("wb")) if path else None
            for chunk in _chunks(in_order(reports)):
                digest.update(chunk)
                if file:
                    file.write(chunk)
    except OSError as error:
        raise BenchError(f"{path} cannot be written: {error}.") from error
    return digest.hexdigest()


def reports_name(tape_name: str) -> str:
    """Return `reports_x.txt` for `orders_x.bin` and `orders_x.bin.gz`."""
    stem = tape_name.removesuffix(".gz").removesuffix(".bin")
    return f"{REPORTS_PREFIX}{stem.removeprefix(TAPE_PREFIX)}.txt"


def expected_sha256(tape: Path) -> str | None:
    """Return the SHA-256 of the reports beside a tape, None where there are none."""
    path = tape.with_name(f"{reports_name(tape.name)}.gz")
    if not path.exists():
        return None
    digest = hashlib.sha256()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise BenchError(f"{path} cannot be read: {error}.") from error
    return digest.hexdigest()


def _chunks(lines: Iterator[str]) -> Iterator[bytes]:
    """Join lines by newlines, without a last one, some at a time."""
    separator = ""
    while some := list(islice(lines, LINES_AT_ONCE)):
        yield (separator + "\n".join(some)).encode()
        separator = "\n"
