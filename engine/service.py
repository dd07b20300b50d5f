"""The engine: read what is there, apply it, commit it at once, and only then speak of it.

The rule of this file: persist before acknowledge. While a commit is on its way the next batch is
already applied, in memory only: nothing of it is written before that commit has succeeded, and
nothing is said of a commit before that. Nothing is retried: an engine that cannot go on ends, and
the next one begins from the rows.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

from engine.attempts import Plan, plan_start
from engine.batch import Applier, Batch
from engine.core.exchange import Exchange, Limits
from engine.core.invariants import check, check_changes
from engine.entries import Entry, skipped_numbers
from engine.loading import BROKEN, many_objects
from engine.pulse import Pulse
from engine.redis_link import Argument
from engine.rows import Meta, Program, write_changes, write_dead, write_meta
from engine.standby import Standby
from engine.store import Commit, Store
from engine.ticker import Ticker
from shared.channels import Keys
from shared.logs import get_logger
from shared.redis_client import SOCKET_TIMEOUT_S
from shared.wire import encode

BEATS_PER_LEASE = 3  # Two beats may be late before anybody thinks that the engine is gone.
STANDBY_POLLS_PER_LEASE = 10  # How finely a waiting engine looks whether the lease is free.
BLOCK_MAX_S = 1.0  # How long an idle engine waits for an entry, and a stop for its end.
assert BLOCK_MAX_S < SOCKET_TIMEOUT_S, "a blocking read must not look like a dead connection"
# While rows become an exchange nobody beats: it takes three seconds for a million rows, and other
# work on the machine may double that. Whoever dies right then costs the others this time, once.
RESTORING_LEASE_MS = 30_000
NO_ENTRY = 0  # Of a halt that no entry has caused, so that none can be skipped.
HALT_POLL_S = 0.2  # How soon the end of a halt is noticed.

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How one engine works; see the settings of the same names."""

    lease_ttl_ms: int
    batch_commands_max: int
    recent_trades_max: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Sent:
    """A commit that is on its way, and what is to be said once it has succeeded."""

    last_n: int
    announcements: list[tuple[Argument, ...]]


def _nothing(_step: str) -> None:
    pass


class BrokenRows(Exception):
    """There is no exchange that has these rows; the text says why not."""


class EngineService:
    """One incarnation of the engine on one venue.

    `should_stop` is asked at least three times a lease. `at_step` is told the name of each step
    when it is done, which is where tests kill the process. `standby` is what it does while another
    engine holds the lease; without one it just waits. `pulse` keeps the lease while one piece of
    work takes long; without one the lease ends under such work.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        options: EngineOptions,
        *,
        should_stop: Callable[[], bool],
        at_step: Callable[[str], None] = _nothing,
        standby: Standby | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._options = options
        self._should_stop = should_stop
        self._at_step = at_step
        self._standby = standby
        self._pulse = pulse
        self._beat_every_s = options.lease_ttl_ms / BEATS_PER_LEASE / 1_000
        self._beat_due_s = 0.0
        self._is_halted = False
        self._ahead: list[Entry] = []
        self._sent: Sent | None = None
        self._announcements: list[tuple[Argument, ...]] = []
        self._unreadable = 0
        self._position = 0
        self._is_loaded = False
        self._plan = Plan()
        self._applier = Applier(Exchange(options.limits), b"")
        self._ticker = Ticker(store.append)

    @property
    def exchange(self) -> Exchange:
        return self._applier.exchange

    @property
    def applying_n(self) -> int:
        """The entry that is being applied, or 0."""
        return self._applier.applying_n

    def run(self) -> None:
        """Wait for the lease, then work until told to stop; raises what ended it."""
        if not self._wait_for_lease():
            return
        self._at_step("acquired")
        while not self._should_stop():
            if self._store.halt_reason():
                self._wait_for_resume()
            elif self._begin_or_halt():
                self._work()
        self._store.release()
        _log.info("engine_stopped", position=self._position)

    def count_death(self) -> None:
        """Note at which entry `run` has raised; call it once, for anything but a failing Redis.

        A death before the rows were in memory was at no entry, and must not hide where others were.
        """
        if not self._is_loaded:
            return
        self._settle()
        n = self._applier.applying_n or self._position + 1
        if not self._plan.is_careful(n):  # A careful step was counted before it was taken.
            self._store.count_attempt(n)

    # ---- beginning ----

    def _wait_for_lease(self) -> bool:
        lease_s = self._options.lease_ttl_ms / 1_000
        # A standby goes on at once, from its memory; we would have to load all rows first, and
        # might even take our own lease back from under it.
        ours_from_s = time.monotonic() + lease_s * self._store.is_stood_by()
        waiting = False
        while not self._should_stop():
            if time.monotonic() >= ours_from_s and self._store.acquire():
                _log.info("lease_acquired", epoch=self._store.epoch)
                return True
            if not waiting:
                _log.info("standing_by", reason="another engine holds the lease")
                waiting = True
            self._stand_by(lease_s / STANDBY_POLLS_PER_LEASE)
        if self._standby is not None:
            self._standby.close()
        return False

    def _stand_by(self, wait_s: float) -> None:
        if self._standby is None:
            time.sleep(wait_s)
        else:
            self._standby.turn(wait_s)

    def _take_over(self) -> tuple[Meta, Exchange] | None:
        """Return what we know as a standby, if that is the venue as it is."""
        standby, self._standby = self._standby, None
        if standby is None:
            return None
        meta = self._store.meta()
        exchange = standby.take_over(meta, self._beat_if_due)
        standby.close()
        return None if exchange is None else (meta, exchange)

    def _load(self) -> tuple[Meta, Exchange]:
        with many_objects():
            return self._load_rows()

    def _load_rows(self) -> tuple[Meta, Exchange]:
        """Load the rows and check all of them, once: of what follows only the changes are."""
        try:
            meta, rows = self._store.load(self._beat_if_due)
            self._store.beat(least_ms=RESTORING_LEASE_MS)
            exchange = Exchange.restore(rows, self._options.limits)
            check(exchange)
        except BROKEN as error:
            raise BrokenRows(str(error) or type(error).__name__) from error
        return meta, exchange

    def _begin_or_halt(self) -> bool:
        try:
            return self._begin()
        except BrokenRows as error:
            reason = (
                f"the rows do not make an exchange: {error} Put them right, then "
                "`rialto engine resume` loads them anew"
            )
            if not self._store.halt_reason():  # The first one stays: it may know more.
                self._store.halt(reason, NO_ENTRY)
            _log.critical("venue_halted", reason=reason, exc_info=error)
            return False

    def _begin(self) -> bool:
        self._is_loaded = False
        # What we knew is void, and goes first: two exchanges may be more than there is memory for.
        self._applier = Applier(Exchange(self._options.limits), b"")
        with self._working():
            meta, exchange = self._take_over() or self._load()
        skips = skipped_numbers(self._beating(self._store.journal_after(meta.position)))
        self._applier = Applier(exchange, meta.chain, skips)
        self._unreadable = meta.unreadable
        self._position = meta.position
        self._is_loaded = True
        self._ahead = []
        self._store.lifts = meta.lifts
        self._beat()
        self._at_step("loaded")
        _log.info("engine_started", position=meta.position, skips=sorted(skips))
        # A halt that came, or came and went, while we read: the rows may be others since.
        return not self._is_halted and self._may_begin(meta)

    def _beating(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._beat_if_due()
            yield entry

    def _may_begin(self, meta: Meta) -> bool:
        counted_n, deaths = self._store.attempts()
        batch_max = self._options.batch_commands_max
        self._plan = plan_start(meta.position, counted_n, deaths, batch_max)
        if self._plan.halt_at:
            reason = (
                f"the engine died {deaths} times at journal entry {self._plan.halt_at}; "
                f"`rialto engine resume` tries it again, "
                f"`rialto engine skip {self._plan.halt_at}` goes on without it"
            )
            self._store.halt(reason, self._plan.halt_at)
            _log.critical("venue_halted", reason=reason)
            return False
        if counted_n <= meta.position and self._store.last_journal_n() > meta.position:
            self._store.count_attempt(meta.position + 1)
        return True

    def _wait_for_resume(self) -> None:
        self._beat_if_due()
        time.sleep(HALT_POLL_S)

    # ---- working ----

    def _work(self) -> None:
        while not self._should_stop() and not self._is_halted:
            self.turn()
        self._settle()
        self._store.announce(self._announcements)
        self._announcements = []

    def turn(self) -> None:
        """Apply one batch, and send its commit when the one before has succeeded.

        A batch is announced in the write that comes next: with the next commit, or the next read.
        Then, if a timer is due, ask for the journal entry by which it happens.
        """
        entries = self._ahead or self._read()
        self._ahead = []
        with self._working():
            if entries:
                self._carry_out(entries)
            if time.monotonic() >= self._beat_due_s:
                self._settle()
                self._beat()
        self._tick_if_due()

    def _working(self) -> contextlib.AbstractContextManager[None]:
        if self._pulse is None:
            return contextlib.nullcontext()
        return self._pulse.working(self._store.epoch)

    def _carry_out(self, entries: list[Entry]) -> None:
        self._at_step("read")
        if self._plan.is_careful(entries[0].n):
            self._store.count_attempt(entries[0].n)
        begun_s = time.monotonic()
        batch = self._apply(entries)
        commit = self._commit_of(batch, begun_s)
        self._settle()
        self._send(commit, batch)

    def _tick_if_due(self) -> None:
        due_ns, now_ns = self.exchange.next_due_ns(), time.time_ns()
        if 0 < due_ns <= now_ns:
            self._settle()
            self._ticker.tick_if_due(due_ns, self._position, now_ns)

    def _read(self) -> list[Entry]:
        """Wait for entries, when nothing else is left to be done."""
        self._settle()
        count_max = self._plan.count_max(self._position, self._options.batch_commands_max)
        idle_s = min(self._beat_due_s - time.monotonic(), BLOCK_MAX_S)
        block_ms = self._ticker.wait_ms(
            self.exchange.next_due_ns(), time.time_ns(), most_ms=max(1, ceil(idle_s * 1_000))
        )
        announcements, self._announcements = self._announcements, []
        entries = self._store.read(self._position, count_max, block_ms, announcements)
        if announcements:
            self._at_step("published")
        return entries

    def _apply(self, entries: list[Entry]) -> Batch:
        batch = self._applier.apply(entries)
        for payload in batch.dead:
            _log.error("unreadable_command", size=len(payload))
        self._unreadable += len(batch.dead)
        self._at_step("applied")
        return batch

    def _commit_of(self, batch: Batch, begun_s: float) -> Commit:
        exchange = self.exchange
        changes = exchange.drain_changes()
        check_changes(exchange, changes)
        program = Program()
        meta = Meta(
            position=exchange.n,
            sequence=exchange.sequence,
            chain=batch.chain,
            at_ns=exchange.at_ns,
            next_order_id=exchange.next_order_id,
            unreadable=self._unreadable,
        )
        write_meta(program, self._keys, meta)
        write_changes(program, self._keys, changes, batch.results, self._options.recent_trades_max)
        write_dead(program, self._keys, batch.dead)
        return Commit(
            position=batch.position - len(batch.events),
            last_n=batch.position,
            last_sequence=exchange.sequence,
            events=batch.packed_events(),
            program=program,
            work_ms=int((time.monotonic() - begun_s) * 1_000),
        )

    def _send(self, commit: Commit, batch: Batch) -> None:
        assert commit.position == self._position, "commits follow each other without a hole"
        announcements, self._announcements = self._announcements, []
        self._ahead = self._store.start_commit(
            commit, first=announcements, ahead_max=self._ahead_max(commit.last_n)
        )
        if announcements:
            self._at_step("published")
        self._sent = Sent(commit.last_n, self._announcements_of(commit, batch))
        self._at_step("sent")

    def _ahead_max(self, position: int) -> int:
        """Return how many entries may be applied while the commit up to `position` is under way."""
        if self._plan.is_careful(position + 1):
            return 0  # The next one is counted first, which must not overtake the commit.
        return self._plan.count_max(position, self._options.batch_commands_max)

    def _settle(self) -> None:
        """Wait until the commit that is on its way has succeeded, if there is one."""
        if self._sent is None:
            return
        sent, self._sent = self._sent, None
        self._store.finish_commit()
        self._position = sent.last_n
        self._announcements = sent.announcements
        self._at_step("committed")

    def _announcements_of(self, commit: Commit, batch: Batch) -> list[tuple[Argument, ...]]:
        replies: list[tuple[Argument, ...]] = [
            ("PUBLISH", self._keys.reply_channel(gateway), encode(answers))
            for gateway, answers in batch.replies.items()
        ]
        return [*replies, ("PUBLISH", self._keys.events_channel, commit.events)]

    def _beat_if_due(self) -> None:
        if time.monotonic() >= self._beat_due_s:
            self._beat()

    def _beat(self) -> None:
        self._is_halted = self._store.beat()
        self._beat_due_s = time.monotonic() + self._beat_every_s
