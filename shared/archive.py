"""The archive: the journal and the events on disk, append only, each record tied to all before it.

The rule of this file: what a reader returns is exactly what was appended. A torn end, left by a
crash in the middle of an append, is cut off when the archive is opened; any other damage is an
ArchiveError.

A segment begins with MAGIC, the kind, and the chain so far; a record is `<IIQQ` length, CRC-32 of
number, clock and payload, number, clock in microseconds; then the payload; then the chain: blake2b
over the chain before, number, clock and payload.
"""

import contextlib
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

WRITERS = "writers.jsonl"  # Beside the segments: which program wrote from which entry on.
MAGIC = b"RIALTO-ARCHIVE-1"
CHAIN_SIZE = 32
SEGMENT_SIZE_MAX = 64 * 1024 * 1024  # Small enough to copy, large enough to have few.
PAYLOAD_SIZE_MAX = 512 * 1024 * 1024  # Redis holds no larger value, so a larger length is damage.

_HEAD = struct.Struct("<IIQQ")
_BODY = struct.Struct("<QQ")
_NAME = re.compile(r"(journal|events)-([0-9]{20})\.segment")


class ArchiveError(Exception):
    """The archive is damaged or does not fit; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Record:
    """A journal entry (number: n) or a batch of events (number: its last sequence)."""

    number: int
    clock_us: int
    payload: bytes


def read_records(
    folder: Path, kind: str, *, after: int = 0, torn_end: bool = False
) -> Iterator[Record]:
    """Yield the records with a number above `after`, oldest first, and check every CRC and the
    chain on the way, from the segment on that the first of them is in.

    With `torn_end` a last record that is cut short, by a crash or because it is being written just
    now, is passed over in silence.
    """
    segments = _segments(folder, kind)
    before = [path for path in segments if int(_number_of(path)) <= after]
    segments = segments[max(0, len(before) - 1) :]
    chain = None if before else b"\0" * CHAIN_SIZE
    for path in segments:
        may_be_torn = torn_end and path == segments[-1]
        with path.open("rb") as file:
            if may_be_torn and path.stat().st_size < len(MAGIC) + len(kind) + CHAIN_SIZE:
                return
            chain_before = _read_header(file, path, kind)
            if chain not in (None, chain_before):
                raise ArchiveError(f"{path} does not follow the segment before it.")
            chain = chain_before
            for record, next_chain, _end in _records(file, path, chain, torn_end=may_be_torn):
                chain = next_chain
                if record.number > after:
                    yield record


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """Where a record ends: its segment, the byte behind it, and the hash over all up to it."""

    path: Path
    end: int
    chain: bytes


def end_of_record(folder: Path, kind: str, number: int) -> RecordEnd:
    """Find a record and check its segment up to it; raises ArchiveError if it is not there."""
    before = [path for path in _segments(folder, kind) if int(_number_of(path)) <= number]
    if before:
        path = before[-1]
        with path.open("rb") as file:
            chain = _read_header(file, path, kind)
            for record, after, end in _records(file, path, chain, torn_end=True):
                if record.number == number:
                    return RecordEnd(path, end, after)
    raise ArchiveError(f"The archive in {folder} has no record {number} of the {kind}.")


def segments_until(folder: Path, last: RecordEnd, kind: str) -> list[tuple[Path, int]]:
    """Return the segments up to a record, each with the size that belongs to it."""
    paths = [path for path in _segments(folder, kind) if path <= last.path]
    return [(path, last.end if path == last.path else path.stat().st_size) for path in paths]


class ArchiveWriter:
    """Appends records of one kind; `last_number` is that of the last record on disk, 0 for none."""

    def __init__(
        self, folder: Path, kind: str, *, segment_size_max: int = SEGMENT_SIZE_MAX
    ) -> None:
        self._folder = folder
        self._kind = kind
        self._segment_size_max = segment_size_max
        self._file: BinaryIO | None = None
        self._size = 0
        self._chain = b"\0" * CHAIN_SIZE
        self.last: Record | None = None  # The last record of the segment that is open.
        self.last_number = 0

    @property
    def chain(self) -> bytes:
        """The hash over all records so far."""
        return self._chain

    def open(self) -> None:
        """Find the end, cutting off a torn record; raises ArchiveError for any other damage."""
        self._folder.mkdir(parents=True, exist_ok=True)
        segments = _segments(self._folder, self._kind)
        while segments and self._is_headless(segments[-1]):
            segments.pop().unlink()  # A crash between making the file and its first record.
        if segments:
            self._resume(segments[-1])

    def append(self, records: list[Record]) -> None:
        """Append records with rising numbers; on return they are on disk (fsync)."""
        if not records:
            return
        file = self._writable(records[0].number)
        written = bytearray()
        for record in records:
            assert record.number > self.last_number, "the archive takes rising numbers only"
            body = _BODY.pack(record.number, record.clock_us) + record.payload
            self._chain = _next_chain(self._chain, body)
            head = _HEAD.pack(len(record.payload), zlib.crc32(body), record.number, record.clock_us)
            written += head + record.payload + self._chain
            self.last, self.last_number = record, record.number
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
        self._size += len(written)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_headless(self, path: Path) -> bool:
        return path.stat().st_size < len(MAGIC) + len(self._kind) + CHAIN_SIZE

    def _resume(self, path: Path) -> None:
        with path.open("rb") as file:
            self._chain = _read_header(file, path, self._kind)
            end = file.tell()
            for record, chain, after in _records(file, path, self._chain, torn_end=True):
                self._chain, self.last_number, end = chain, record.number, after
                self.last = record
        if self.last_number == 0:
            self.last_number = int(_number_of(path)) - 1
        self._file = path.open("r+b")
        self._file.truncate(end)
        self._file.seek(end)
        self._size = end

    def _writable(self, first_number: int) -> BinaryIO:
        if self._file is not None and self._size < self._segment_size_max:
            return self._file
        self.close()
        path = self._folder / f"{self._kind}-{first_number:020d}.segment"
        self._file = path.open("xb")
        header = MAGIC + self._kind.encode() + self._chain
        self._file.write(header)
        self._size = len(header)
        _sync_folder(self._folder)
        return self._file


def segment_count(folder: Path) -> int:
    """Return how many segments of any kind a folder holds."""
    return len(_segments(folder, "journal")) + len(_segments(folder, "events"))


# ---- who wrote it ----


class Writer(Struct, frozen=True, kw_only=True):
    """A program that wrote what follows journal entry `after`."""

    after: int
    program_version: str
    data_version: int


def read_writers(folder: Path) -> list[Writer]:
    """Return who wrote the archive, in order; a line that cannot be read is passed over."""
    try:
        lines = (folder / WRITERS).read_bytes().splitlines()
    except OSError:
        return []
    writers = []
    for line in lines:
        with contextlib.suppress(DecodeError):
            writers.append(json.decode(line, type=Writer))
    return writers


def note_writer(folder: Path, writer: Writer) -> None:
    """Append a line about who writes from now on, unless the last one says the same."""
    known = read_writers(folder)[-1:]
    if known and replace(known[0], after=writer.after) == writer:
        return
    with (folder / WRITERS).open("ab") as file:
        file.write(json.encode(writer) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _segments(folder: Path, kind: str) -> list[Path]:
    if not folder.is_dir():
        return []
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(path for match, path in found if match and match.group(1) == kind)


def _number_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _read_header(file: BinaryIO, path: Path, kind: str) -> bytes:
    wanted = MAGIC + kind.encode()
    header = file.read(len(wanted) + CHAIN_SIZE)
    if not header.startswith(wanted) or len(header) != len(wanted) + CHAIN_SIZE:
        raise ArchiveError(f"{path} is not a segment of the archive.")
    return header[len(wanted) :]


def _records(
    file: BinaryIO, path: Path, chain: bytes, *, torn_end: bool = False
) -> Iterator[tuple[Record, bytes, int]]:
    while head := file.read(_HEAD.size):
        record = _record(file, head)
        if record is None:
            if torn_end and not file.read(1):
                return
            raise ArchiveError(f"{path} is damaged near byte {file.tell()}.")
        body = _BODY.pack(record.number, record.clock_us) + record.payload
        chain = _next_chain(chain, body)
        stored = file.read(CHAIN_SIZE)
        if stored != chain:
            if torn_end and len(stored) < CHAIN_SIZE:
                return
            raise ArchiveError(f"{path} was changed: record {record.number} breaks the chain.")
        yield record, chain, file.tell()


def _record(file: BinaryIO, head: bytes) -> Record | None:
    if len(head) < _HEAD.size:
        return None
    length, crc, number, clock_us = _HEAD.unpack(head)
    if length > PAYLOAD_SIZE_MAX:
        return None
    payload = file.read(length)
    if len(payload) < length or zlib.crc32(_BODY.pack(number, clock_us) + payload) != crc:
        return None
    return Record(number, clock_us, payload)


def _next_chain(chain: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(chain + body, digest_size=CHAIN_SIZE).digest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
