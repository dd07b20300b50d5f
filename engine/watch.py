"""What a standby reads of a venue, and the little that it writes: a note of itself, and a halt.

The rule of this file: no epoch is needed for any of it, because none of it is a row of the
exchange.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from engine.entries import Entry, entry_of
from engine.redis_link import Argument, RedisLink
from engine.rows import DATA_VERSION
from shared.channels import Keys

BATCHES_MAX = 16  # Commits read at once: a few MB at most, and a few hundred milliseconds of work.
JOURNAL_PAGE = 1_000  # Entries in one answer, as the engine reads them.
# What a standby may be doing.
LOADING, FOLLOWING, STOPPED, WAITING = "loading", "following", "stopped", "waiting"
NOTE_MS = 5_000  # A standby that says nothing for so long is none...
NOTE_BYTES_PER_MS = 4_000  # ...or so long as it needs, on a slow machine, for the events before it.
LOADING_NOTE_MS = 60_000  # While it makes an exchange of its rows it says nothing, for seconds.


class StandbyNote(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a standby says of itself, in JSON.

    `state` is loading, following, stopped (it has found a difference), or waiting (the engine is of
    another version, or has other limits). The `verified_` fields are of the last audit that found
    nothing wrong.
    """

    owner: str
    state: str
    position: int = 0
    sequence: int = 0
    at_ms: int = 0
    verified_position: int = 0
    verified_hash: str = ""
    verified_at_ms: int = 0
    rows_compared: int = 0
    snapshot_position: int = 0


def decode_note(value: object) -> StandbyNote | None:
    """Return the note in the key of the standby, None if there is none that can be read."""
    if not isinstance(value, bytes):
        return None
    try:
        return msgspec.json.decode(value, type=StandbyNote)
    except msgspec.DecodeError:
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What must not change under a copy in memory.

    `program` is that of the engine that has the lease, or had it last, and has committed from
    position `program_at` on; `version` is that of the rows, `lifts` how many halts were lifted.
    """

    program: str
    program_at: int
    version: int
    lifts: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of one hash, all as they are at `position`; None is a row that is not there.

    `length` is that of the whole hash, -1 if nobody asked.
    """

    position: int
    chain: str
    key: str
    rows: dict[bytes, bytes | None]
    cursor: bytes = b"0"
    length: int = -1


class Watch:
    """One standby's view of one venue; see `RedisLink` for what it raises."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self.keys = keys

    def batches(self, sequence: int, block_ms: int) -> list[bytes]:
        """Return what was committed after event `sequence`, waiting so long for the first of it;
        0 does not wait.
        """
        wait: tuple[Argument, ...] = ("BLOCK", block_ms) if block_ms else ()
        response = self._link.call(
            "XREAD", "COUNT", BATCHES_MAX, *wait, "STREAMS", self.keys.events, f"{sequence}-0"
        )
        if response is None:
            return []
        assert isinstance(response, list), "XREAD answers with a list of streams"
        return [fields[1] for _name, fields in response[0][1]]

    def entries(self, position: int) -> Iterator[Entry]:
        """Yield the journal behind `position`, page by page, as far as it is read."""
        while True:
            after = f"({position}-0"
            page = self._link.call("XRANGE", self.keys.journal, after, "+", "COUNT", JOURNAL_PAGE)
            assert isinstance(page, list), "XRANGE answers with a list"
            if not page:
                return
            for entry_id, fields in page:
                entry = entry_of(entry_id, fields)
                position = entry.n
                yield entry

    def first_kept(self, stream: str) -> int:
        """Return the number of the oldest entry of a stream that is not trimmed, 0 if none is."""
        oldest = self._link.call("XRANGE", stream, "-", "+", "COUNT", 1)
        assert isinstance(oldest, list), "XRANGE answers with a list"
        return int(oldest[0][0][:-2]) if oldest else 0

    def standing(self) -> Standing:
        names = ("program", "program_at", "version", "lifts")
        row = self._link.call("HMGET", self.keys.meta, *names)
        assert isinstance(row, list), "HMGET answers with a list"
        program, program_at, version, lifts = row
        return Standing(
            (program or b"").decode(),
            int(program_at or 0),
            int(version or DATA_VERSION),
            int(lifts or 0),
        )

    def page(self, key: str, cursor: bytes, count: int) -> Page:
        """Return the next rows of a hash; the cursor is b"0" at the beginning and at the end."""
        response = self._link.run("page", [self.keys.meta, key], [cursor, count])
        assert isinstance(response, list), "the script answers with a list"
        position, chain, length, (next_cursor, flat) = response
        rows = dict(zip(flat[::2], flat[1::2], strict=True))
        return Page(int(position), chain.decode(), key, rows, next_cursor, length)

    def look(self, key: str, names: Sequence[bytes]) -> Page:
        """Return the named rows of a hash."""
        response = self._link.run("look", [self.keys.meta, key], names)
        assert isinstance(response, list), "the script answers with a list"
        position, chain, values = response
        rows = dict(zip(names, values, strict=True))
        return Page(int(position), chain.decode(), key, rows)

    def halt_reason(self) -> str:
        reason = self._link.call("HGET", self.keys.meta, "halt")
        return reason.decode() if isinstance(reason, bytes) else ""

    def halt(self, reason: str) -> bool:
        """Halt the venue; False if it was halted before."""
        return bool(self._link.run("doubt", [self.keys.meta], [reason]))

    def note(self) -> StandbyNote | None:
        """Return what a standby said of itself lately."""
        return decode_note(self._link.call("GET", self.keys.standby))

    def write_note(self, note: StandbyNote, ahead_size: int = 0) -> None:
        """Say what we are, before we carry out events of this many bytes."""
        stands_ms = LOADING_NOTE_MS if note.state == LOADING else NOTE_MS
        life_ms = stands_ms + ahead_size // NOTE_BYTES_PER_MS
        self._link.run("cursor", [self.keys.standby], [msgspec.json.encode(note), life_ms])

    def erase_note(self, owner: str) -> None:
        """Say that we, the `owner`, are no standby any more; another one's note stays."""
        note = self.note()
        # Between the two another may write its own; it does so again within a second.
        if note is not None and note.owner == owner:
            self._link.call("DEL", self.keys.standby)
