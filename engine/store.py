"""The engine's side of the ledger in Redis: the lease, the rows, the journal, the one commit.

The rule of this file: every write carries the epoch, and a fenced engine learns it by `Fenced` and
ends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis.exceptions import OutOfMemoryError, ResponseError

from engine.core.changes import Rows
from engine.entries import Entry, entry_of
from engine.redis_link import Argument, RedisLink
from engine.rows import Meta, Program, load_meta, load_rows
from engine.watch import FOLLOWING, decode_note
from shared.channels import Keys

OWN_BACKLOG_MAX = 1  # Whatever else waits does what an entry of the engine's own would do.
FULL_MEMORY = "OOM"  # So Redis 6.2 says it, in the midst of the error of a script.
JOURNAL_PAGE = 1_000  # Entries read at once when looking ahead.
# In and after long work the lease is longer, by one part in so many of that work: while its events
# are encoded no other thread runs, while Redis writes its rows nobody beats; both take a part of
# the time that the work has taken.
LONGER_BY_PART = 2
HALTED = 2  # What the script of the beat answers while the venue is halted.


class Fenced(Exception):
    """Another engine owns the venue now; nothing of ours was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who we are to the others: `ttl_ms` is for liveness, the epoch for safety.

    Engines with the same `program`, which is a version with its limits, make the same of a journal.
    """

    owner: str
    ttl_ms: int
    program: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One batch as it is written: everything behind entry `position`, up to and with `last_n`.

    `work_ms` is how long it took to make.
    """

    position: int
    last_n: int
    last_sequence: int
    events: bytes
    program: Program
    work_ms: int = 0


class Store:
    """One engine's view of one venue in Redis; see `RedisLink` for what it raises."""

    def __init__(self, link: RedisLink, keys: Keys, lease: Lease) -> None:
        self._link = link
        self._keys = keys
        self._lease = lease
        self.epoch = 0
        self.lifts = 0  # Of halts, when the rows in memory were read.

    def acquire(self) -> bool:
        """Try to become the owner; on success a new epoch begins and older engines are fenced."""
        lease = self._lease
        epoch = self._run("acquire", [lease.owner, lease.ttl_ms, lease.program])
        self.epoch = epoch
        return epoch > 0

    def release(self) -> None:
        """Give the lease back; whoever stops by itself has not died of a command."""
        names = [self._keys.meta, self._keys.lease, self._keys.attempts]
        self._link.run("release", names, [self._lease.owner, self.epoch])

    def load(self, on_page: Callable[[], None] = lambda: None) -> tuple[Meta, Rows]:
        """Read the venue; `on_page` is called now and then, to keep the lease meanwhile."""

        def call(*arguments: Argument) -> object:
            on_page()
            return self._link.call(*arguments)

        meta = load_meta(call, self._keys)
        return meta, load_rows(call, self._keys, meta)

    def meta(self) -> Meta:
        return load_meta(self._link.call, self._keys)

    def is_stood_by(self) -> bool:
        """Whether another engine than we stands by, ready to go on from its memory."""
        note = decode_note(self._link.call("GET", self._keys.standby))
        return note is not None and note.state == FOLLOWING and note.owner != self._lease.owner

    def halt_reason(self) -> str:
        """Return why the venue is halted, or "" while it is not."""
        reason = self._link.call("HGET", self._keys.meta, "halt")
        return reason.decode() if isinstance(reason, bytes) else ""

    def last_journal_n(self) -> int:
        n = self._link.call("GET", self._keys.n)
        return int(n) if isinstance(n, bytes) else 0

    def journal_after(self, position: int) -> Iterator[Entry]:
        """Yield all entries behind `position`, page by page."""
        while True:
            after = f"({position}-0"
            page = self._link.call("XRANGE", self._keys.journal, after, "+", "COUNT", JOURNAL_PAGE)
            assert isinstance(page, list), "XRANGE answers with a list"
            if not page:
                return
            for entry_id, fields in page:
                entry = entry_of(entry_id, fields)
                position = entry.n
                yield entry

    def read(
        self,
        position: int,
        count_max: int,
        block_ms: int,
        first: list[tuple[Argument, ...]],
    ) -> list[Entry]:
        """Send the commands `first`, then return what follows `position`, waiting for one entry.

        They travel in one write, so announcing the last batch costs no round trip of its own.
        """
        read: tuple[Argument, ...] = (
            "XREAD", "COUNT", count_max, "BLOCK", block_ms,
            "STREAMS", self._keys.journal, f"{position}-0",
        )  # fmt: skip
        return _entries_in(self._link.call_all([*first, read])[-1])

    def append(self, payload: bytes) -> bool:
        """Journal an entry of the engine's own if no other waits; return whether it was taken."""
        keys = [self._keys.n, self._keys.journal, self._keys.meta]
        try:
            answer = self._link.run("enqueue", keys, [OWN_BACKLOG_MAX, payload])
        except ResponseError as error:
            if not (isinstance(error, OutOfMemoryError) or FULL_MEMORY in str(error)):
                raise
            return False  # The journal takes no more; what is in it still drains.
        assert isinstance(answer, list), "the script answers with a list"
        return bool(answer[0])

    def announce(self, announcements: list[tuple[Argument, ...]]) -> None:
        """Send what `read` would have sent along, when nothing is to be read any more."""
        if announcements:
            self._link.call_all(announcements)

    def start_commit(
        self,
        commit: Commit,
        *,
        first: list[tuple[Argument, ...]],
        ahead_max: int,
    ) -> list[Entry]:
        """Send the commands `first`, then the commit, and return up to `ahead_max` entries that
        follow it in the journal, to be applied while it is on its way.

        Nobody may hear of the commit before `finish_commit` has returned.
        """
        read: list[tuple[Argument, ...]] = []
        if ahead_max:
            after = f"{commit.last_n}-0"
            read = [("XREAD", "COUNT", ahead_max, "STREAMS", self._keys.journal, after)]
        arguments: list[Argument] = [
            self._lease.owner, self._lease_ms(commit.work_ms), self.epoch,
            commit.position, commit.last_sequence, commit.events, commit.program.packed(),
        ]  # fmt: skip
        keys = self._keys
        names = [keys.meta, keys.lease, keys.events, keys.changes_wanted, keys.changes]
        responses = self._link.start([*first, *read], "commit", names, arguments)
        return _entries_in(responses[-1]) if read else []

    def finish_commit(self) -> None:
        """Wait until what was started is on disk; raises Fenced if nothing of it was written."""
        try:
            self._link.finish()
        except ResponseError as error:
            if str(error).startswith("FENCED"):
                raise Fenced(str(error)) from error
            raise

    def beat(self, work_ms: int = 0, *, least_ms: int = 0) -> bool:
        """Renew the lease in the midst of work that has taken so long, for `least_ms` at least, and
        say whether the venue is halted, or was since the rows were read; raises Fenced.
        """
        channel = self._keys.heartbeat_channel
        lease_ms = max(least_ms, self._lease_ms(work_ms))
        arguments: list[Argument] = [self._lease.owner, lease_ms, self.epoch, channel, self.lifts]
        answer = self._run("beat", arguments)
        if not answer:
            raise Fenced("a later epoch has begun")
        return answer == HALTED

    def attempts(self) -> tuple[int, int]:
        """Return (entry, deaths at it) as last counted, (0, 0) when none were."""
        row = self._link.call("HMGET", self._keys.attempts, "n", "count")
        assert isinstance(row, list), "HMGET answers with a list"
        return int(row[0] or 0), int(row[1] or 0)

    def count_attempt(self, n: int) -> int:
        """Count one more attempt at entry `n` and return how many there were; raises Fenced."""
        keys = [self._keys.meta, self._keys.attempts]
        count = self._link.run("attempt", keys, [self.epoch, n])
        assert isinstance(count, int), "the script answers with a number"
        if not count:
            raise Fenced("a later epoch has begun")
        return count

    def halt(self, reason: str, n: int) -> None:
        """Halt the venue over entry `n`, which nobody is at work on; raises Fenced."""
        if not self._link.run("halt", [self._keys.meta], [self.epoch, reason, n]):
            raise Fenced("a later epoch has begun")

    def _lease_ms(self, work_ms: int) -> int:
        return self._lease.ttl_ms + work_ms // LONGER_BY_PART

    def _run(self, script: str, arguments: list[Argument]) -> int:
        answer = self._link.run(script, [self._keys.meta, self._keys.lease], arguments)
        assert isinstance(answer, int), "the script answers with a number"
        return answer


def _entries_in(response: object) -> list[Entry]:
    if response is None:
        return []
    assert isinstance(response, list), "XREAD answers with a list of streams"
    return [entry_of(entry_id, fields) for entry_id, fields in response[0][1]]
