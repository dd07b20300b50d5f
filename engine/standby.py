"""The standby: an engine that waits, and meanwhile does everything that was committed once more.

The rule of this file: it agrees, or it halts the venue. What it cannot follow any more it loads
again from the rows; what it cannot vouch for it never takes over with.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.audit import Audit, Finding, SnapshotPlace
from engine.core.exchange import Exchange, Limits
from engine.follower import Difference, EventsLost, Follower, JournalLost, Lost, WentBack
from engine.loading import BROKEN, Loader, Torn, many_objects
from engine.redis_link import RedisLink
from engine.row_audit import RowAudit
from engine.rows import Meta, can_read
from engine.watch import FOLLOWING, LOADING, STOPPED, WAITING, StandbyNote, Standing, Watch
from shared.logs import get_logger

NOTE_EVERY_S = 1.0  # Often enough for the archiver not to trim what we have not read.
STANDING_EVERY_S = 1.0  # How soon it is noticed that our copy is not to be used any more.
LARGE_SIZE = 1_000_000  # Events in one commit that may take longer than a note stands for.
LOAD_AGAIN_S = 1.0  # After a picture with a hole.
BROKEN_LOADS_MAX = 3  # In a row: once may be a venue that was emptied while we read it.
ROWS_EVERY_S = 0.05  # Rows are compared so often...
ROWS_FOR_S = 0.005  # ...for so long, so for less than a tenth of the time...
PAGES_MAX = 20  # ...and so many pages at most: a million rows take a few minutes.
AUDIT_EVERY_S = 10.0  # The full check of everything in memory...
AUDIT_SHARE = 10  # ...but never for more than one part in so many of the time.

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StandbyOptions:
    """How a standby works; `program` is that of `Lease`, `snapshot_folder` None writes none."""

    owner: str
    limits: Limits
    program: str = ""
    snapshot_folder: Path | None = None
    snapshot_every_s: float = 300.0
    snapshots_kept: int = 3


class Stopped(Exception):
    """The standby was told to stop while it was loading."""


class Standby:
    """One standby of one venue. `turn` does a little; `take_over` gives the exchange away.

    It uses the connection of its engine and raises what that raises, see `RedisLink`.
    """

    def __init__(
        self,
        link: RedisLink,
        watch: Watch,
        options: StandbyOptions,
        audit: Audit,
        *,
        should_stop: Callable[[], bool],
    ) -> None:
        self._link = link
        self._watch = watch
        self._options = options
        self._audit = audit
        self._should_stop = should_stop
        self._follower: Follower | None = None
        self._begun = Meta()  # Where the follower began.
        self._loader: Loader | None = None
        self._broken_loads = 0
        self._rows = RowAudit(watch)
        self._state = LOADING
        self._verified = StandbyNote(owner=options.owner, state=self._state)
        self._has_note = False
        self._note_due_s = 0.0
        self._standing_due_s = 0.0
        self._load_due_s = 0.0
        self._rows_due_s = 0.0
        self._audit_due_s = 0.0
        self._snapshot_due_s = 0.0
        self._audited: Follower | None = None

    @property
    def position(self) -> int:
        """How far the copy in memory is, 0 without one."""
        return self._follower.position if self._follower else 0

    def turn(self, wait_s: float) -> None:
        """Follow what was committed, waiting so long for the first of it; compare and audit."""
        try:
            self._write_note_if_due()
            if self._follower is None:
                self._load_if_due(wait_s)
                return
            if self._is_out_of_date():
                return
            self._follow(self._follower, int(wait_s * 1_000))
            self._read_rows(self._follower)
            self._audit_memory(self._follower)
        except Difference as difference:
            self._halt(difference)
        except Lost as lost:
            self._lose(lost)
        except Stopped:
            pass

    def take_over(self, meta: Meta, on_page: Callable[[], None]) -> Exchange | None:
        """Return the exchange as it is at `meta`, which no other engine can change any more; None
        if ours is not there, or not exactly that, and the rows have to be loaded.
        """
        follower, self._follower = self._follower, None
        self._audit.stop()
        if follower is None or self._drop_if_out_of_date():
            return None
        try:
            while follower.position < meta.position:
                on_page()
                before = follower.position
                self._follow(follower, 0, on_page)
                if follower.position == before:
                    raise EventsLost(f"The events behind entry {before} are gone.")
            if follower.position > meta.position:
                raise WentBack(f"The ledger has gone back to entry {meta.position}.")
            follower.check_chain(meta.chain.hex())
        except Difference as difference:
            self._halt(difference)
            return None
        except Lost as lost:
            self._lose(lost)
            return None
        _log.info("taken_over_from_memory", position=follower.position)
        return follower.exchange

    def close(self) -> None:
        """Stop being a standby: the engine works, or ends."""
        self._audit.stop()
        if self._has_note:
            self._watch.erase_note(self._options.owner)
            self._has_note = False

    # ---- loading ----

    def _load_if_due(self, wait_s: float) -> None:
        now_s = time.monotonic()
        if now_s < self._load_due_s or not self._may_load():
            time.sleep(wait_s)
            return
        self._state = LOADING
        self._load_due_s = now_s + LOAD_AGAIN_S
        loader = self._loader = Loader(self._link, self._watch.keys, self._on_page)
        try:
            with many_objects():
                meta, rows = loader.load()
                self._note_due_s = 0.0
                self._on_page()  # The last one for a while; it says how far the picture is.
                exchange = Exchange.restore(rows, self._options.limits)
        except Torn as torn:
            _log.warning("standby_loads_again", reason=str(torn))
            return
        except BROKEN as error:
            self._pass_over(loader, error)
            return
        finally:
            self._loader = None
        self._broken_loads = 0
        self._follower, self._begun = Follower(exchange, meta.chain), meta
        self._rows = RowAudit(self._watch)
        self._state, self._note_due_s = FOLLOWING, 0.0
        self._audit_due_s = time.monotonic()
        self._snapshot_due_s = max(self._snapshot_due_s, time.monotonic())
        _log.info("standby_follows", position=meta.position)

    def _pass_over(self, loader: Loader, error: Exception) -> None:
        reason = f"the rows at entry {loader.position} do not make an exchange ({error})"
        self._broken_loads += 1
        if self._broken_loads >= BROKEN_LOADS_MAX:
            self._broken_loads = 0
            raise Difference(loader.position, reason) from error
        _log.warning("standby_loads_again", reason=reason)

    def _may_load(self) -> bool:
        """Whether there is a point in it: not before a halt of ours has ended, and not while an
        engine of another version or with other limits works, whose events need not be ours.
        """
        if self._state == STOPPED and self._watch.halt_reason():
            return False
        program, ours = self._watch.standing().program, self._options.program
        if program != ours and self._state != WAITING:
            _log.warning("standby_waits", reason="the engine is another", engine=program, ours=ours)
            self._state = WAITING
        return program == ours

    def _on_page(self) -> None:
        if self._should_stop():
            raise Stopped
        self._write_note_if_due()

    # ---- following ----

    def _is_out_of_date(self) -> bool:
        now_s = time.monotonic()
        if now_s < self._standing_due_s:
            return False
        self._standing_due_s = now_s + STANDING_EVERY_S
        return self._drop_if_out_of_date()

    def _drop_if_out_of_date(self) -> bool:
        """Give up our copy unless it is what an engine of ours would have in its memory.

        The events may agree all the same: with other limits, mostly the rows differ.
        """
        reason = self._out_of_date(self._watch.standing())
        if reason:
            _log.warning("standby_out_of_date", reason=reason)
            self._forget(LOADING)
        return bool(reason)

    def _out_of_date(self, now: Standing) -> str:
        if not can_read(now.version):
            return f"the rows are of version {now.version}"
        if now.program != self._options.program or now.program_at > self._begun.position:
            return "an engine of another version or with other limits has worked"
        if now.lifts != self._begun.lifts:
            return "a halt was lifted, and the rows may be others since"
        return ""

    def _follow(
        self, follower: Follower, wait_ms: int, on_batch: Callable[[], None] = lambda: None
    ) -> None:
        self._rows.compare(follower.exchange, follower.chain)
        batches = self._watch.batches(follower.sequence, wait_ms)
        entries = self._watch.entries(follower.position)
        for packed in batches:
            on_batch()
            if len(packed) > LARGE_SIZE:
                self._write_note(len(packed))
            follower.follow(packed, entries, self._watch.entries(follower.position))
            self._rows.compare(follower.exchange, follower.chain)

    def _read_rows(self, follower: Follower) -> None:
        begun_s = time.monotonic()
        if begun_s < self._rows_due_s:
            return
        for _ in range(PAGES_MAX):
            if not self._rows.read(follower.exchange):
                break
            self._rows.compare(follower.exchange, follower.chain)
            if time.monotonic() > begun_s + ROWS_FOR_S:
                break
        self._rows_due_s = time.monotonic() + ROWS_EVERY_S

    def _audit_memory(self, follower: Follower) -> None:
        now_s = time.monotonic()
        if self._audited is not None:
            self._take_finding()
        elif now_s >= self._audit_due_s and follower.position > self._verified.verified_position:
            self._start_audit(follower, now_s)

    def _start_audit(self, follower: Follower, now_s: float) -> None:
        options, place = self._options, None
        if options.snapshot_folder is not None and now_s >= self._snapshot_due_s:
            place = SnapshotPlace(options.snapshot_folder, options.snapshots_kept)
        try:
            self._audit.start(follower.exchange, follower.chain, place)
        except OSError as error:  # No process or memory for it: we follow all the same.
            _log.error("audit_failed", reason=str(error))
            self._audit_due_s = now_s + AUDIT_EVERY_S
            return
        self._audited = follower
        if place is not None:
            self._snapshot_due_s = now_s + options.snapshot_every_s

    def _take_finding(self) -> None:
        try:
            finding = self._audit.result()
        except OSError as error:
            _log.error("audit_failed", reason=str(error))
            finding = Finding(position=0)
        if finding is None:
            return
        audited, self._audited = self._audited, None
        self._audit_due_s = time.monotonic() + max(AUDIT_EVERY_S, finding.seconds * AUDIT_SHARE)
        if finding.trouble:
            _log.error("snapshot_failed", reason=finding.trouble)
        if finding.fault and audited is self._follower:
            raise Difference(finding.position, f"at entry {finding.position}: {finding.fault}")
        if finding.state_hash:
            self._verify(finding)

    def _verify(self, finding: Finding) -> None:
        before = self._verified.snapshot_position
        self._verified = StandbyNote(
            owner=self._options.owner,
            state=self._state,
            verified_position=finding.position,
            verified_hash=finding.state_hash,
            verified_at_ms=time.time_ns() // 1_000_000,
            snapshot_position=finding.position if finding.snapshot else before,
        )
        self._note_due_s = 0.0

    # ---- what it says ----

    def _halt(self, difference: Difference) -> None:
        standing = self._watch.standing()
        out_of_date = self._out_of_date(standing)
        if out_of_date or difference.n <= standing.program_at:
            _log.warning("standby_no_judge", reason=str(difference), out_of_date=out_of_date)
            self._forget(LOADING)
            return
        reason = (
            f"the standby disagrees: {difference}; "
            "`rialto verify` says who is right, `rialto engine resume` goes on from the rows"
        )
        self._forget(STOPPED)
        if self._watch.halt(reason):
            _log.critical("venue_halted", reason=reason, entry=difference.n)
        else:
            _log.critical("standby_disagrees", reason=reason, entry=difference.n)

    def _lose(self, lost: Lost) -> None:
        follower = self._follower
        if follower is not None and self._has_hole(follower, lost):
            n = follower.position + 1
            self._halt(Difference(n, f"entry {n} or its events are missing ({lost})"))
            return
        _log.warning("standby_lost_track", reason=str(lost))
        self._forget(LOADING)

    def _has_hole(self, follower: Follower, lost: Lost) -> bool:
        """Whether what we miss is gone from the middle of a stream, where nobody trims."""
        keys, kept, ours = self._watch.keys, 0, 0
        if isinstance(lost, JournalLost):
            kept, ours = self._watch.first_kept(keys.journal), follower.position
        elif isinstance(lost, EventsLost):
            kept, ours = self._watch.first_kept(keys.events), follower.sequence
        return 0 < kept <= ours

    def _forget(self, state: str) -> None:
        self._follower = self._audited = None
        self._audit.stop()
        self._state, self._note_due_s = state, 0.0

    def _write_note_if_due(self) -> None:
        if time.monotonic() >= self._note_due_s:
            self._write_note()

    def _write_note(self, ahead_size: int = 0) -> None:
        self._note_due_s = time.monotonic() + NOTE_EVERY_S
        verified, follower, loader = self._verified, self._follower, self._loader
        read = loader.position if loader else 0
        note = StandbyNote(
            owner=self._options.owner,
            state=self._state,
            position=follower.position if follower else read,
            sequence=follower.sequence if follower else 0,
            at_ms=time.time_ns() // 1_000_000,
            verified_position=verified.verified_position,
            verified_hash=verified.verified_hash,
            verified_at_ms=verified.verified_at_ms,
            rows_compared=self._rows.compared,
            snapshot_position=verified.snapshot_position,
        )
        self._watch.write_note(note, ahead_size)
        self._has_note = True
