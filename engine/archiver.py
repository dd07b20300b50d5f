"""The archiver: copies what is committed to the archive and trims the streams behind it.

The rule of this file: first on disk, then the cursor, then the trim. It has no state but its
files; killed at any moment it goes on where they end.
"""

import contextlib
import fcntl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.redis_link import RedisLink
from engine.rows import DATA_VERSION
from engine.snapshots import program_version
from engine.watch import decode_note
from shared.archive import ArchiveError, ArchiveWriter, Record, Writer, note_writer
from shared.channels import Keys
from shared.logs import get_logger

PAGE_MAX = 500  # Entries read and written at once; a batch of events can be a few hundred KB.
BLOCK_MS = 500  # How long to wait for a commit before looking whether to stop.
TRIM_EVERY_S = 1.0
STOOD_BY_MAX = 200_000  # Journal entries kept for a standby that is behind: some tens of MB.
EVENTS_KEPT_S = 600.0  # A reader that was away for less fills its gap from the stream.
EVENTS_KEPT_SIZE_MAX = 256 * 1024 * 1024  # And never more memory than this for it.

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    since_s: float
    sequence: int
    size: int


class Archiver:
    """Archives one venue into one folder, which it locks; see `RedisLink` for what it raises."""

    def __init__(
        self, link: RedisLink, keys: Keys, folder: Path, *, should_stop: Callable[[], bool]
    ) -> None:
        self._link = link
        self._keys = keys
        self._folder = folder
        self._should_stop = should_stop
        self._journal = ArchiveWriter(folder, "journal")
        self._events = ArchiveWriter(folder, "events")
        self._kept: deque[_Kept] = deque()
        self._kept_size = 0
        self._trim_due_s = 0.0

    def run(self) -> None:
        """Archive until told to stop; raises ArchiveError when the files do not fit the streams."""
        with contextlib.ExitStack() as stack:
            _lock(self._folder, stack)
            for writer in (self._journal, self._events):
                stack.callback(writer.close)
                writer.open()
            self._check_fit()
            after, program = self._journal.last_number, program_version()
            note_writer(
                self._folder,
                Writer(after=after, program_version=program, data_version=DATA_VERSION),
            )
            self._keep(self._events.last_number, 0)
            _log.info("archiver_started", journal=self._journal.last_number)
            while not self._should_stop():
                self.turn()

    def turn(self) -> None:
        """Archive what was committed since the last turn, waiting a moment for the first of it."""
        batches = self._read_events()
        self._archive_journal()
        if batches:
            self._events.append(batches)
            for batch in batches:
                self._keep(batch.number, len(batch.payload))
            self._note(self._events, "events")
        if time.monotonic() >= self._trim_due_s:
            self._trim()

    def _check_fit(self) -> None:
        position = self._position()
        if self._journal.last_number > position:
            raise ArchiveError(
                f"The archive in {self._folder} is ahead of Redis: entry "
                f"{self._journal.last_number} is archived, but only {position} are committed."
            )

        if self._journal.last is not None and not self._is_of_this_venue(self._journal.last):
            raise ArchiveError(
                f"The archive in {self._folder} is of another exchange, or of another time of "
                "this one: move it away, or put back the one that belongs here."
            )

    def _is_of_this_venue(self, last: Record) -> bool:
        cursor = self._link.call("GET", self._keys.cursor("journal"))
        text = cursor.decode() if isinstance(cursor, bytes) else "0"
        number, _, chain = text.partition(" ")
        if int(number) >= last.number:
            return chain == self._journal.chain.hex()
        # A crash between the disk and the cursor; nothing behind the cursor was trimmed yet.
        name = f"{last.number}-0"
        found = self._link.call("XRANGE", self._keys.journal, name, name)
        assert isinstance(found, list), "XRANGE answers with a list"
        return any((int(row[1]), row[3]) == (last.clock_us, last.payload) for _, row in found)

    def _note(self, writer: ArchiveWriter, kind: str) -> None:
        value = f"{writer.last_number} {writer.chain.hex()}"
        self._link.run("cursor", [self._keys.cursor(kind)], [value])

    def _position(self) -> int:
        position = self._link.call("HGET", self._keys.meta, "position")
        return int(position) if isinstance(position, bytes) else 0

    def _read_events(self) -> list[Record]:
        after = f"{self._events.last_number}-0"
        response = self._link.call(
            "XREAD", "COUNT", PAGE_MAX, "BLOCK", BLOCK_MS, "STREAMS", self._keys.events, after
        )
        if response is None:
            return []
        assert isinstance(response, list), "XREAD answers with a list of streams"
        now_us = time.time_ns() // 1_000
        return [Record(int(name[:-2]), now_us, fields[1]) for name, fields in response[0][1]]

    def _archive_journal(self) -> None:
        position = self._position()
        while self._journal.last_number < position:
            page = self._link.call(
                "XRANGE", self._keys.journal, f"({self._journal.last_number}-0",
                f"{position}-0", "COUNT", PAGE_MAX,
            )  # fmt: skip
            assert isinstance(page, list), "XRANGE answers with a list"
            if not page:
                break
            entries = [Record(int(name[:-2]), int(row[1]), row[3]) for name, row in page]
            self._note_hole(entries[0].number)
            self._journal.append(entries)
            self._note(self._journal, "journal")

    def _note_hole(self, first_n: int) -> None:
        if first_n != self._journal.last_number + 1:
            _log.error("archive_has_a_hole", after=self._journal.last_number, next=first_n)

    # ---- trimming ----

    def _keep(self, sequence: int, size: int) -> None:
        self._kept.append(_Kept(time.monotonic(), sequence, size))
        self._kept_size += size

    def _trim(self) -> None:
        now_s = time.monotonic()
        self._trim_due_s = now_s + TRIM_EVERY_S
        done = self._stood_by(min(self._position(), self._journal.last_number))
        self._link.call("XTRIM", self._keys.journal, "MINID", f"{done + 1}-0")
        gone = 0
        while self._kept and self._is_over(now_s):
            kept = self._kept.popleft()
            self._kept_size -= kept.size
            gone = kept.sequence
        if gone:
            self._link.call("XTRIM", self._keys.events, "MINID", f"{gone + 1}-0")

    def _stood_by(self, archived: int) -> int:
        """Return up to where a standby, if there is one, has read the journal."""
        note = decode_note(self._link.call("GET", self._keys.standby))
        if note is None:
            return archived
        return min(archived, max(note.position, archived - STOOD_BY_MAX))

    def _is_over(self, now_s: float) -> bool:
        too_old = now_s - self._kept[0].since_s > EVENTS_KEPT_S
        return too_old or self._kept_size > EVENTS_KEPT_SIZE_MAX


def _lock(folder: Path, stack: contextlib.ExitStack) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = stack.enter_context((folder / "lock").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ArchiveError(f"Another archiver is at work in {folder}.") from error
