"""A tape: messages for one order book in the form of a public benchmark, read from its file.

The rule of this file: what is no whole tape is refused before anything is measured. Messages are
decoded while they are run, so only what is quick to see is looked at here.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from engine.bench.errors import BenchError

HEADER = struct.Struct("<QII")  # The magic number, the version, how many messages follow.
MAGIC = 0x4D45_4257_5F30_3031
VERSION = 1
# Kind, side, whether it is immediate or cancel, lots, sequence, order id, price in ticks.
MESSAGE = struct.Struct("<BBBxIQQq8x")
NEW, CANCEL, MODIFY = range(3)
FLAG_BYTES = ((0, "kind", {NEW, CANCEL, MODIFY}), (1, "side", {0, 1}), (2, "IOC flag", {0, 1}))

GZIP_MAGIC = b"\x1f\x8b"
FILE_SIZE_MAX = 1024**3  # A full tape has 80 MB; more than this in memory is a mistake.

Message = tuple[int, int, int, int, int, int, int]


class Tape(Struct, frozen=True):
    """The messages of a file, not yet decoded."""

    name: str
    body: bytes

    @property
    def count(self) -> int:
        return len(self.body) // MESSAGE.size

    def messages(self) -> Iterator[Message]:
        """Decode the messages, each when it is asked for."""
        return MESSAGE.iter_unpack(self.body)


def read_tape(path: Path) -> Tape:
    """Return the tape in a file, compressed by gzip or not; raises BenchError."""
    data = _read(path)
    if len(data) < HEADER.size:
        raise BenchError(f"{path} is no tape: it is shorter than a tape's header.")
    magic, version, count = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BenchError(f"{path} is no tape: it begins with {magic:#x}, not with {MAGIC:#x}.")
    if version != VERSION:
        raise BenchError(f"{path} is a tape of version {version}, not of version {VERSION}.")
    body = data[HEADER.size :]
    if len(body) != count * MESSAGE.size:
        said = f"its header says {count:,} messages of {MESSAGE.size} bytes"
        raise BenchError(f"{path} is not whole: {said}, and {len(body):,} bytes follow.")
    for offset, name, known in FLAG_BYTES:
        unknown = set(body[offset :: MESSAGE.size]) - known
        if unknown:
            raise BenchError(f"{path} has a message of the unknown {name} {min(unknown)}.")
    return Tape(path.name, body)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path) if is_compressed else path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BenchError(f"{path} cannot be read: {error}.") from error
    if len(data) > FILE_SIZE_MAX:
        raise BenchError(f"{path} is larger than a tape can be.")
    return data
