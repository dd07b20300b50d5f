"""Snapshots: the whole exchange at one position, in one file that proves itself.

The rule of this file: a file is written whole or not at all, and read whole or not at all. It
appears under its name only when every byte is on disk; whoever reads it checks the CRC of each
part, the hash over all of them, every invariant, and the state hash, before anybody sees a row.

A file is MAGIC, then parts `<II` length, CRC-32, payload. The first part is `About`, the last the
BLAKE2b hash of all bytes before it; each between is a msgpack `Rows` with a share of the rows.
"""

import contextlib
import functools
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from engine.core import invariants
from engine.core.changes import Rows
from engine.core.exchange import Exchange, Limits
from engine.rows import DATA_VERSION

MAGIC = b"RIALTO-SNAPSHOT-1\n"
ROWS_PER_PART = 5_000  # About half a megabyte: little to hold, enough to write at once.
PART_SIZE_MAX = 256 * 1024 * 1024  # A larger length is damage.
HASH_SIZE = 32

_HEAD = struct.Struct("<II")
_NAME = re.compile(r"snapshot-([0-9]{20})\.rialto")


class SnapshotError(Exception):
    """A file is torn, damaged, or of a later version; the text is one sentence."""


class About(Struct, frozen=True, kw_only=True):
    """What a snapshot is of; hashes in hex."""

    position: int
    sequence: int
    at_ns: int
    chain: str
    state_hash: str
    data_version: int
    program_version: str


@functools.cache
def program_version() -> str:
    """Return the version of this program, for whoever asks later what has written something."""
    try:
        return metadata.version("rialto")
    except metadata.PackageNotFoundError:
        return "unknown"


def write_snapshot(
    folder: Path,
    exchange: Exchange,
    chain: bytes,
    state_hash: str,
    on_part: Callable[[], None] = lambda: None,
) -> Path:
    """Write the exchange, whose state was verified, and return the file; it is on disk then.

    The folder is made if need be. Raises OSError; nothing is left behind then.
    """
    about = About(
        position=exchange.n,
        sequence=exchange.sequence,
        at_ns=exchange.at_ns,
        chain=chain.hex(),
        state_hash=state_hash,
        data_version=DATA_VERSION,
        program_version=program_version(),
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"snapshot-{exchange.n:020d}.rialto"
    partial = folder / f".{path.name}.{os.getpid()}"
    try:
        with partial.open("xb") as file:
            _write(file, about, exchange.rows(), on_part)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(folder)
    return path


def _write(file: BinaryIO, about: About, rows: Rows, on_part: Callable[[], None]) -> None:
    digest = hashlib.blake2b(MAGIC, digest_size=HASH_SIZE)
    file.write(MAGIC)
    for payload in (msgspec.msgpack.encode(about), *map(msgspec.msgpack.encode, _shares(rows))):
        part = _HEAD.pack(len(payload), zlib.crc32(payload)) + payload
        digest.update(part)
        file.write(part)
        on_part()
    payload = digest.digest()
    file.write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)


def _shares(rows: Rows) -> Iterator[Rows]:
    """Yield the rows in shares: first what is no collection, then a few thousand rows each."""
    single: dict[str, Any] = {name: value for name, value in _fields(rows) if type(value) is int}
    yield Rows(**single)
    for name, value in _fields(rows):
        if isinstance(value, list):
            for i in range(0, len(value), ROWS_PER_PART):
                yield _share(name, value[i : i + ROWS_PER_PART])
        elif isinstance(value, dict):
            items = list(value.items())
            for i in range(0, len(items), ROWS_PER_PART):
                yield _share(name, dict(items[i : i + ROWS_PER_PART]))


def _share(name: str, value: Any) -> Rows:
    share: dict[str, Any] = {name: value}
    return Rows(**share)


def _fields(rows: Rows) -> Iterator[tuple[str, Any]]:
    for field in fields(rows):
        yield field.name, getattr(rows, field.name)


# ---- reading ----


def list_snapshots(folder: Path) -> list[Path]:
    """Return the files that bear a snapshot's name, the newest position first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def read_snapshot(path: Path, limits: Limits) -> tuple[About, Exchange]:
    """Return the exchange in a file, verified; raises SnapshotError."""
    try:
        about, rows = _read(path)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read ({error.strerror}).") from error
    try:
        exchange = Exchange.restore(rows, limits)
        invariants.check(exchange)
    except Exception as error:
        raise SnapshotError(f"{path} holds rows that cannot be true ({error}).") from error
    if (exchange.n, exchange.sequence) != (about.position, about.sequence):
        raise SnapshotError(f"{path} holds the rows of another position than it says.")
    if exchange.state_hash() != about.state_hash:
        raise SnapshotError(f"{path} holds another state than its hash says.")
    return about, exchange


def newest_snapshot(
    folder: Path,
    limits: Limits,
    on_bad: Callable[[str], None] = lambda _sentence: None,
    *,
    up_to: int | None = None,
) -> tuple[About, Exchange] | None:
    """Return the newest snapshot that verifies, at entry `up_to` or before, None if none does;
    `on_bad` hears of the others.
    """
    for path in list_snapshots(folder):
        if up_to is not None and int(path.stem.rpartition("-")[2]) > up_to:
            continue
        try:
            return read_snapshot(path, limits)
        except SnapshotError as error:
            on_bad(str(error))
    return None


def read_about(path: Path) -> About:
    """Return what a file is of, with every byte of it checked; raises SnapshotError."""
    try:
        return _read(path)[0]
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read ({error.strerror}).") from error


def prune(folder: Path, kept: int) -> None:
    """Remove all but the newest `kept` snapshots, and what a crash has left half written."""
    for path in list_snapshots(folder)[kept:]:
        path.unlink(missing_ok=True)
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(".snapshot-"):
                path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[About, Rows]:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise SnapshotError(f"{path} is not a snapshot.")
        parts = list(_parts(file, path))
    digest = hashlib.blake2b(MAGIC, digest_size=HASH_SIZE)
    for payload in parts[:-1]:
        digest.update(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)
    if len(parts) < 3 or parts[-1] != digest.digest():
        raise SnapshotError(f"{path} is torn, or was changed: its hash is another one.")
    try:
        about = msgspec.msgpack.decode(parts[0], type=About)
        if about.data_version > DATA_VERSION:
            raise SnapshotError(f"{path} was written by a newer Rialto ({about.program_version}).")
        return about, _joined(msgspec.msgpack.decode(part, type=Rows) for part in parts[1:-1])
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{path} cannot be understood ({error}).") from error


def _parts(file: BinaryIO, path: Path) -> Iterator[bytes]:
    while head := file.read(_HEAD.size):
        length, crc = _HEAD.unpack(head) if len(head) == _HEAD.size else (PART_SIZE_MAX + 1, 0)
        payload = file.read(length) if length <= PART_SIZE_MAX else b""
        if len(payload) != length or zlib.crc32(payload) != crc:
            raise SnapshotError(f"{path} is damaged near byte {file.tell()}.")
        yield payload


def _joined(shares: Iterator[Rows]) -> Rows:
    rows = next(shares)
    for share in shares:
        for name, value in _fields(share):
            if isinstance(value, list):
                getattr(rows, name).extend(value)
            elif isinstance(value, dict):
                getattr(rows, name).update(value)
    return rows


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
