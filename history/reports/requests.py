"""Requests as they came: the commands of journal entries, from the archive.

The rule of this file: the archive proves each record on the way; an entry that is not there, or
cannot be read, is told and never guessed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from history.projection.details import details_of
from shared.archive import Record, read_records
from shared.wire import DecodeError, decode_command, decode_envelope

# Entries that are read over to come to the next one that is wanted. Where it is farther, the
# archive is entered anew, at the beginning of a segment: some 200,000 entries.
PASSED_MAX = 100_000


class Request(NamedTuple):
    """A journal entry: `kind` and `command` (JSON) are "" where it cannot be read."""

    n: int
    came_at_ns: int
    kind: str
    account_id: int
    idempotency_key: str
    command: str


def requests_of(folder: Path, numbers: Iterable[int]) -> Iterator[Request]:
    """Yield the entries of these numbers that the archive has, by number; raises ArchiveError."""
    records: Iterator[Record] = iter(())
    record: Record | None = None
    for n in sorted(set(numbers)):
        if record is None or n - record.number > PASSED_MAX:
            records = read_records(folder, "journal", after=n - 1, torn_end=True)
            record = next(records, None)
        while record is not None and record.number < n:
            record = next(records, None)
        if record is None:
            return
        if record.number == n:
            yield request_of(record)


def request_of(record: Record) -> Request:
    """Return what a record of the journal asks for."""
    came_at_ns = record.clock_us * 1_000
    try:
        command = decode_command(decode_envelope(record.payload).command)
    except DecodeError:
        return Request(record.number, came_at_ns, "", 0, "", "")
    kind = str(command.__struct_config__.tag)
    key, account_id = command.idempotency_key, command.account_id
    return Request(record.number, came_at_ns, kind, account_id, key, details_of(command))
