"""The recorder: rows into a file, by a thread of its own.

The rule of this file: whoever records is never made to wait. A row is put aside in well under a
microsecond; when the disk is slower than the venues, the newest rows are dropped and counted, and
the next row that is kept says in the file how many are missing before it.
"""

import gzip
import lzma
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from aggregator.captures.rows import Heard, Row, encode_row

# Some seconds of a hundred busy streams, and several of the largest snapshots there are.
WAITING_BYTES_MAX = 64 << 20
WAITING_ROWS_MAX = 200_000
# A piece is compressed by itself, so that a recorder that is killed loses one piece at most.
PIECE_BYTES_MAX = 1 << 20
PIECE_S_MAX = 2.0
PAUSE_S = 0.1  # The thread looks so often for rows; waking it for each would cost the loop more.
PART_BYTES_MAX = 256 << 20  # Of a file on disk; then the next one begins.
CLOSE_S_MAX = 30.0  # Compressing what waits takes a few seconds at most.
XZ_PRESET = 1  # 10 times smaller at 20 MB/s; the best preset gains 20 % and takes 10 times as long.

Compress = Callable[[bytes], bytes]


class CaptureWriter:
    """A recorder into `path`: .jsonl, .jsonl.xz or .jsonl.gz. It begins with the first row.

    `fault` is a sentence once writing has failed; from then on every row is dropped.
    """

    def __init__(
        self,
        path: Path,
        *,
        part_bytes_max: int = PART_BYTES_MAX,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
        waiting_rows_max: int = WAITING_ROWS_MAX,
    ) -> None:
        self.path = path
        self.fault = ""
        self.dropped_count = 0
        self.written_rows = 0
        self.written_bytes = 0
        self.parts: list[Path] = []
        self._part_bytes_max = part_bytes_max
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting: deque[tuple[Heard, int]] = deque()
        self._waiting_rows_max = waiting_rows_max
        # Each of the two is changed by one thread only; their difference is what waits.
        self._given_bytes = 0
        self._taken_bytes = 0
        self._unsaid_drops = 0
        self._part_bytes = 0
        self._file: BinaryIO | None = None
        self._compress = _compression_of(path)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._write, name="capture-writer", daemon=True)
        self._thread.start()

    def row(
        self,
        at_ns: int,
        kind: str,
        url: str,
        data: bytes = b"",
        connection: int = 0,
        *,
        status: int = 0,
        feed: str = "",
    ) -> None:
        """Take a row; it is dropped, and counted, if there is no room. After the end it is nothing.

        `connection` counts the connections, and says nothing of an HTTP answer; `status` is that of
        an answer or the code of a close, 0 for all others; `feed` is whose connection begins.
        """
        if self._end.is_set():
            return
        heard = Heard(at_ns, kind, url, data, connection, status, feed)
        waiting_bytes = self._given_bytes - self._taken_bytes
        is_full = waiting_bytes + heard.size > self._waiting_bytes_max and self._waiting
        if is_full or len(self._waiting) >= self._waiting_rows_max or self.fault:
            self.dropped_count += 1
            self._unsaid_drops += 1
            return
        self._given_bytes += heard.size
        self._waiting.append((heard, self._unsaid_drops))
        self._unsaid_drops = 0

    def close(self) -> None:
        """Write what waits, and end the file."""
        self._end.set()
        self._thread.join(CLOSE_S_MAX)
        if self._thread.is_alive():
            self.fault = self.fault or f"{self.path} was not written in {CLOSE_S_MAX:g} s"

    def _write(self) -> None:
        try:
            while not self._end.is_set():
                self._write_piece()
            while self._waiting:
                self._write_piece()
        except OSError as error:
            self.fault = f"{self.path} cannot be written: {error.strerror}"
            self._waiting.clear()
        finally:
            if self._file is not None:
                self._file.close()

    def _write_piece(self) -> None:
        rows = self._collect()
        if not rows:
            return
        if self._file is None or self._part_bytes >= self._part_bytes_max:
            rows[0].part = self._open_part()
        assert self._file is not None, "a part was opened"
        piece = self._compress(b"".join(map(encode_row, rows)))
        self._file.write(piece)
        self._file.flush()
        self._part_bytes += len(piece)
        self.written_bytes += len(piece)
        self.written_rows += len(rows)

    def _collect(self) -> list[Row]:
        rows: list[Row] = []
        size = 0
        for _ in range(round(PIECE_S_MAX / PAUSE_S)):
            while self._waiting and size < PIECE_BYTES_MAX:
                heard, dropped = self._waiting.popleft()
                self._taken_bytes += heard.size
                size += heard.size
                rows.append(msgspec.structs.replace(heard.as_row(), dropped=dropped))
            if size >= PIECE_BYTES_MAX or self._end.wait(PAUSE_S):
                break
        return rows

    def _open_part(self) -> int:
        if self._file is not None:
            self._file.close()
        number = len(self.parts) + 1
        path = part_path(self.path, number)
        self._file = path.open("wb")
        self.parts.append(path)
        self._part_bytes = 0
        return number if number > 1 else 0


def part_path(path: Path, number: int) -> Path:
    """Return the file of a part: `day.jsonl.xz`, then `day.part2.jsonl.xz`, and so on."""
    if number == 1:
        return path
    stem, dot, rest = path.name.partition(".")
    return path.with_name(f"{stem}.part{number}{dot}{rest}")


def _compression_of(path: Path) -> Compress:
    if path.suffix == ".xz":
        return lambda piece: lzma.compress(piece, preset=XZ_PRESET)
    if path.suffix == ".gz":
        return gzip.compress
    return lambda piece: piece
