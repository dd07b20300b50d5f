"""One symbol's book on one connection: built, joined to its snapshot, proven after each update.

The rule of this file: an update is taken over whole or not at all, and a book that cannot be
proven right stops being live in the same call. What it waits for is in `need`; whoever meets the
need sets it back to nothing.
"""

from aggregator.books.chains import AFTER, Place, Repeats, is_restart
from aggregator.books.evidence import Proof
from aggregator.books.joining import Fit, Joining
from aggregator.books.levels import Levels
from aggregator.books.rules import BookRules
from aggregator.books.side import Side
from aggregator.books.states import NEXT, WHOLE, Step
from aggregator.books.words import BookCounts, BookState, Need
from aggregator.protocol import (
    NONE,
    NS_A_S,
    BookUpdate,
    Chain,
    DecimalError,
    Evidence,
    TouchUpdate,
)

# Looking a member up in its enumeration takes longer than what is done with it.
_LIVE = BookState.LIVE
_OLD, _GAP, _NEXT = Place.OLD, Place.GAP, Place.NEXT


class Book:
    """Read all of it, change none. `last_id` is the venue's number of the last change in it."""

    __slots__ = (
        "_after",
        "_is_asked",
        "_is_numbered",
        "_joining",
        "_proof",
        "_refresh",
        "_repeats",
        "_rules",
        "asks",
        "bids",
        "counts",
        "epoch",
        "has_changed",
        "is_whole",
        "last_id",
        "levels",
        "mismatch",
        "need",
        "proofs",
        "reason",
        "received_at_ns",
        "since_ns",
        "state",
        "venue_at_ns",
    )

    def __init__(
        self, rules: BookRules, levels: Levels, proof: Proof, counts: BookCounts, *, at_ns: int
    ) -> None:
        self.levels = levels
        self.bids: Side = levels.bids
        self.asks: Side = levels.asks
        self.state = BookState.EMPTY
        self.is_whole = False
        """Every update until now is in it: live, or stale."""
        self.reason = ""
        self.since_ns = at_ns
        self.last_id = NONE
        self.venue_at_ns = 0
        self.received_at_ns = 0
        self.counts = counts
        self.need = Need.NOTHING
        self.epoch = 0
        """It goes up whenever the book begins anew: what was asked for before is too old."""
        self.mismatch = ""
        """What the evidence has found wrong, until somebody has taken note of it."""
        self.has_changed = False
        self.proofs = 0
        """Times that a change was proven to be the next one, with nothing missing before it."""
        self._rules = rules
        self._after = AFTER[rules.chain]
        self._is_numbered = rules.chain is not Chain.NONE
        self._proof = proof
        self._joining = Joining(rules.chain)
        self._is_asked = False  # For a snapshot, in this epoch.
        self._refresh: Joining | None = None
        self._repeats = Repeats()

    @property
    def is_live(self) -> bool:
        return self.state is BookState.LIVE

    @property
    def tells_of_losses(self) -> bool:
        """Whether it shows by its next changes that some are missing."""
        is_proven = self._is_numbered or self._rules.evidence is not Evidence.NONE
        return is_proven and self.state is not BookState.HALTED

    @property
    def trusted_bid_key(self) -> int | None:
        """The worst bid up to which the book is complete; None: to its end."""
        return self.levels.trusted_bid_key

    @property
    def trusted_ask_key(self) -> int | None:
        return self.levels.trusted_ask_key

    def use_counts(self, counts: BookCounts) -> None:
        self.counts = self._proof.counts = counts

    def follow(self, book: "Book") -> None:
        """Take the place of another book: until this one is live, the reason is why that one is
        not, and to whoever has seen that one, all of this one is new.
        """
        if self.state is BookState.EMPTY and book.state is not BookState.EMPTY:
            self.state, self.reason = BookState.RESYNC, book.reason
            self.since_ns = book.since_ns if book.state is self.state else self.since_ns
        self.levels.change_whole()
        self.has_changed = True

    def use_depth(self, depth: int) -> None:
        """Take the venue's word on how deep the subscription is, from the next snapshot on."""
        if depth:
            self.levels.depth = depth

    def take(self, update: BookUpdate, at_ns: int) -> None:
        """Take over what the stream says."""
        if self.is_whole and not update.is_snapshot:
            self._take_change(update, at_ns)
            return
        if self.state is BookState.HALTED:
            # What comes is not refused: the venue has thought better of it, or spoke of the trades.
            self._step(Step.HEARD, at_ns, "It was refused, and comes all the same.")
        if update.is_snapshot:
            self._take_streamed_snapshot(update, at_ns)
        else:
            self._keep(update, at_ns)

    def take_answer(self, snapshot: BookUpdate, at_ns: int) -> None:
        """Take over a snapshot that was asked for in this epoch."""
        if self.is_whole:
            self._take_refresh(snapshot, at_ns)
        elif self.state is not BookState.HALTED:
            self._joining.snapshot = snapshot
            self._try_joining(at_ns)

    def hear(self, touch: TouchUpdate, at_ns: int) -> None:
        """Compare with the venue's word on its best bid and ask."""
        try:
            reason = self._proof.hear(touch)
        except DecimalError:
            self.counts.malformed += 1
            self._proof.forget_touches()
            return
        if reason and self.is_whole:
            self._mismatch(reason, at_ns)

    def forget_touches(self) -> None:
        """A touch may have been lost: nothing is compared across it."""
        self._proof.forget_touches()

    def lose(self, reason: str, at_ns: int, need: Need | None = None) -> None:
        """Stop being live, because something is missing or wrong, and begin anew."""
        if self.state is BookState.HALTED:
            return
        if self.state is not BookState.RESYNC:
            self.counts.resyncs += 1
        self._step(Step.WRONG, at_ns, reason)
        self.begin_anew(self._rules.need if need is None else need)

    def begin_anew(self, need: Need) -> None:
        self.epoch += 1
        self.need = need
        self._is_asked = need is Need.SNAPSHOT
        self._proof.begin_anew()
        self._refresh = None
        self._joining = Joining(self._rules.chain)

    def refuse(self, reason: str, at_ns: int) -> None:
        self._step(Step.REFUSED, at_ns, reason)
        self.begin_anew(Need.NOTHING)

    def look_for_silence(self, at_ns: int) -> None:
        """Become stale if nothing has come for too long."""
        # The clock may have been put back: from then on it counts.
        self.received_at_ns = min(self.received_at_ns, at_ns)
        quiet_ns = at_ns - self.received_at_ns
        if self.state is _LIVE and quiet_ns > self._rules.stale_ns:
            self._step(Step.QUIET, at_ns, f"Nothing has come for {quiet_ns // NS_A_S} s.")

    def fall_mute(self, quiet_ns: int, at_ns: int) -> None:
        """Become stale because nothing at all comes on the connection."""
        if self.state is _LIVE:
            reason = f"Nothing at all has come on its connection for {quiet_ns // NS_A_S} s."
            self._step(Step.QUIET, at_ns, reason)

    def wake(self, at_ns: int) -> None:
        """Be live again, as the connection speaks, unless the book itself is silent for too long:
        nothing between can be missing.
        """
        is_quiet = at_ns - self.received_at_ns > self._rules.stale_ns
        if self.state is BookState.STALE and not is_quiet:
            self._step(Step.JOINED, at_ns)

    def _step(self, step: Step, at_ns: int, reason: str = "") -> None:
        state = NEXT[self.state, step]
        if state is not self.state or reason != self.reason:
            self.since_ns = self.since_ns if state is self.state else at_ns
            self.state, self.reason, self.has_changed = state, reason, True
            self.is_whole = state in WHOLE

    # Changes.

    def _take_change(self, update: BookUpdate, at_ns: int) -> None:
        place = self._after(update, self.last_id) if self._is_numbered else _NEXT
        verified = self.counts.verified
        if place is _OLD:
            self._take_old(update, at_ns)
        elif place is _GAP:
            self._gap(update, at_ns)
        elif self._apply(update, at_ns):
            self.counts.updates += 1
            self.proofs += self._is_numbered or self.counts.verified != verified
            if self.state is not _LIVE:
                self._step(Step.JOINED, at_ns)
            if self._refresh is not None:
                self._refresh.keep(update)
                self._try_refreshing(at_ns)

    def _take_old(self, update: BookUpdate, at_ns: int) -> None:
        self.counts.duplicates += 1
        if self._repeats.add(self.last_id, at_ns):
            self.counts.gaps += 1
            self._proof.forget_touches()  # Their numbers mean nothing any more, either.
            reason = f"For a while only old numbers come, such as {update.last_id}"
            self.lose(f"{reason} after {self.last_id}: the venue counts anew.", at_ns)

    def _gap(self, update: BookUpdate, at_ns: int) -> None:
        self.counts.gaps += 1
        first = update.first_id if update.previous_id == NONE else update.previous_id
        self.lose(f"After {self.last_id} came {first}: something between is missing.", at_ns)
        if not update.is_snapshot:
            self._joining.keep(update)

    def _apply(self, update: BookUpdate, at_ns: int) -> bool:
        """Take over a change that is known to come next, and say whether the book is right."""
        levels = self.levels
        try:
            unknown = levels.change(update)
        except DecimalError as error:
            self._malformed(error, at_ns)
            return False
        self._note(update, at_ns)
        if unknown:
            self.counts.unknown_deletes += unknown
        if levels.is_short and self._refresh is None:
            self._ask_for_refresh()
        return self._prove(self._proof.check(update, self.bids, self.asks, unknown), at_ns)

    def _note(self, update: BookUpdate, at_ns: int) -> None:
        self.last_id = update.last_id
        if update.venue_at_ns:
            self.venue_at_ns = update.venue_at_ns
        self.received_at_ns = at_ns
        self.has_changed = True

    def _prove(self, reason: str, at_ns: int) -> bool:
        bids, asks = self.bids.keys, self.asks.keys
        # A key of an ask is its price below zero: the sum is what the bid is above the ask. A
        # venue matches what crosses, so a crossed book of one venue is a wrong one.
        if bids and asks:
            if bids[-1] + asks[-1] >= 0:
                self.counts.crossed += 1
                reason = "The best bid is not below the best ask."
        elif self.levels.has_run_out and not reason:
            # What comes next is beyond the edge: that is no empty side, and nobody's mistake.
            self.lose("A side has no level left of those that are known.", at_ns)
            return False
        if reason:
            self._mismatch(reason, at_ns)
        return not reason

    def _mismatch(self, reason: str, at_ns: int) -> None:
        self.counts.mismatched += 1
        self.mismatch = reason
        self._proof.forget_touches()
        self.lose(reason, at_ns)

    def _malformed(self, error: DecimalError, at_ns: int) -> None:
        self.counts.malformed += 1
        self.lose(str(error), at_ns)

    # Snapshots.

    def _keep(self, update: BookUpdate, at_ns: int) -> None:
        if self._rules.keeps_nothing:
            return
        place = self._joining.keep(update)
        if place is _OLD:
            self.counts.duplicates += 1
            return
        self.counts.gaps += place is _GAP
        if not self._is_asked and self._rules.need is Need.SNAPSHOT:
            self.need, self._is_asked = Need.SNAPSHOT, True
        self._step(Step.KEPT, at_ns, self.reason)
        if self._joining.snapshot is not None:
            self._try_joining(at_ns)

    def _try_joining(self, at_ns: int) -> None:
        joining = self._joining
        fit, snapshot = joining.fit_answer(), joining.snapshot
        if fit is Fit.TOO_OLD:
            self.need = Need.SNAPSHOT
        elif fit is Fit.WAITING:
            if self.state is not BookState.SYNCING:
                self._step(Step.SNAPSHOT, at_ns)
        elif snapshot is not None and self._become(snapshot, joining.updates, at_ns):
            self.counts.updates += 1 + len(joining.updates)

    def _take_streamed_snapshot(self, update: BookUpdate, at_ns: int) -> None:
        if self.is_whole and not is_restart(update):
            if update.last_id == self.last_id:
                self._take_repeat(at_ns)
                return
            if update.last_id < self.last_id:
                # Held up on its way, or the venue counts anew and the beginning was lost: either
                # way it cannot be told, and the venue is asked again.
                self._gap(update, at_ns)
                return
        joining = self._joining
        joining.snapshot = update
        if joining.fit_streamed() is Fit.TOO_OLD:
            self._gap(update, at_ns)
        elif self._become(update, joining.updates, at_ns):
            self.counts.updates += 1 + len(joining.updates)

    def _take_repeat(self, at_ns: int) -> None:
        """The venue says again what it said before: nothing is new, but it lives."""
        self.counts.duplicates += 1
        self.received_at_ns = at_ns
        if self.state is BookState.STALE:
            self._step(Step.JOINED, at_ns)

    def _become(self, snapshot: BookUpdate, updates: list[BookUpdate], at_ns: int) -> bool:
        """Become a snapshot and the updates since, and say whether the book is right."""
        try:
            self.levels.replace(snapshot)
        except DecimalError as error:
            self._malformed(error, at_ns)
            return False
        self._joining = Joining(self._rules.chain)
        self._refresh = None
        self._note(snapshot, at_ns)
        reason = self._proof.begin(snapshot, self.bids, self.asks, self.levels.depth)
        if not self._prove(reason, at_ns):
            return False
        if not all(self._apply(update, at_ns) for update in updates):
            return False
        self._step(Step.JOINED, at_ns)
        return True

    # A second book beside the live one.

    def _ask_for_refresh(self) -> None:
        # What the stream brings only at its beginning is had by another connection beside this.
        wanted = self._rules.need
        self.need = wanted if wanted is Need.SNAPSHOT else Need.CONNECTION
        self._refresh = Joining(self._rules.chain)
        self._refresh.newest_id = self.last_id

    def _take_refresh(self, snapshot: BookUpdate, at_ns: int) -> None:
        if self._refresh is not None:
            self._refresh.snapshot = snapshot
            self._try_refreshing(at_ns)

    def _try_refreshing(self, at_ns: int) -> None:
        refresh = self._refresh
        assert refresh is not None, "only a book that is being refreshed is tried"
        snapshot, fit = refresh.snapshot, refresh.fit_answer()
        if fit is Fit.TOO_OLD:
            self.need = Need.SNAPSHOT
        elif fit is Fit.JOINED and snapshot is not None:
            self._become(snapshot, refresh.updates, at_ns)
