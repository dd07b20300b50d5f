"""Recordings read row by row: plain, .xz or .gz, a file or the standard input.

The rule of this file: a recording may be larger than the memory, so only one line of it is held;
and whoever recorded may have been killed, so a last line that breaks off is no error.
"""

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, cast

from aggregator.captures.rows import Row, RowError, decode_row

STANDARD_INPUT = "-"
# No line is longer: the largest message of any venue has 5 MB, and text in JSON at most 6 times it.
LINE_BYTES_MAX = 64 << 20
XZ_MAGIC = b"\xfd7zXZ\x00"
GZ_MAGIC = b"\x1f\x8b"


class CaptureError(Exception):
    """A file that is no recording, or cannot be read: one sentence that names file and line."""


class CaptureReader:
    """The rows of one file, in its order; `-` is the standard input. Read it once.

    `breaks_off` says after the last row whether the file ends in the middle of one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = 0
        self.breaks_off = False

    def __iter__(self) -> Iterator[Row]:
        with ExitStack() as stack:
            stream = self._open(stack)
            while line := self._read_line(stream):
                self.line += 1
                if not line.strip():
                    continue
                try:
                    row = decode_row(line)
                except RowError as error:
                    # Only the last line of a file has no newline, and only a first row proves
                    # that this is a recording at all.
                    if line.endswith(b"\n") or self.line == 1:
                        raise self._fault(f"no row of a recording: {error}") from None
                    self.breaks_off = True
                    return
                yield row
        if not self.line:
            raise CaptureError(f"{self._shown} is empty.")

    @property
    def _shown(self) -> str:
        return "The standard input" if self.name == STANDARD_INPUT else self.name

    def _fault(self, reason: str) -> CaptureError:
        return CaptureError(f"{self._shown}, line {self.line}: {reason}.")

    def _open(self, stack: ExitStack) -> BinaryIO:
        try:
            raw = _standard_input() if self.name == STANDARD_INPUT else _file(self.name)
            stack.enter_context(raw)
            magic = raw.peek(len(XZ_MAGIC))
        except OSError as error:
            raise CaptureError(f"{self._shown} cannot be read: {error.strerror}.") from None
        # By what is in it, not by its name: the standard input has none.
        if magic.startswith(XZ_MAGIC):
            return cast(BinaryIO, stack.enter_context(lzma.open(raw)))
        if magic.startswith(GZ_MAGIC):
            return cast(BinaryIO, stack.enter_context(gzip.open(raw)))
        return raw

    def _read_line(self, stream: BinaryIO) -> bytes:
        try:
            line = stream.readline(LINE_BYTES_MAX)
        except EOFError:
            # The compressed stream has no end; what was whole has been read.
            self.breaks_off = True
            return b""
        except (lzma.LZMAError, zlib.error, OSError) as error:
            self.line += 1
            raise self._fault(f"it cannot be unpacked: {error}") from None
        if len(line) >= LINE_BYTES_MAX:
            self.line += 1
            raise self._fault(f"it has more than {LINE_BYTES_MAX >> 20} MiB")
        return line


def _file(name: str) -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(name))


def _standard_input() -> io.BufferedReader:
    return cast(io.BufferedReader, sys.stdin.buffer)
