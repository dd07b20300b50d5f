"""What a desk does by the clock: silence, overdue subscriptions, lifetimes, hand-overs.

The rule of this file: it is told the time, and looks at everything a few times a second.
"""

from aggregator.books.links import Link, Seat
from aggregator.books.muteness import Muteness
from aggregator.books.patience import WAIT_NS_MAX
from aggregator.books.states import WHOLE
from aggregator.books.supply import Supply
from aggregator.books.words import BookState, Need
from aggregator.protocol import NS_A_S, Manifest, SnapshotFrom

# A connection is renewed so long before its end: the new one has to be filled first.
LIFETIME_MARGIN_NS = 300 * NS_A_S
# Trades of a lost connection are asked for when the new one surely brings the later ones.
TRADES_ASKED_AFTER_NS = 2 * NS_A_S
# A book that is stale for so many times the venue's usual pause is subscribed to anew, twice as
# seldom each time that this brings nothing new: then the pair is quiet, and its topic is not dead.
STALE_TIMES_MAX = 6
QUIET_NS_MAX = 3_600 * NS_A_S
# What was refused is asked for again: a venue at work on a market refuses it, too.
REFUSED_NS = 600 * NS_A_S
QUIET_TRIES_MAX = 16  # Doublings: far past the longest wait.


class Upkeep:
    def __init__(self, manifest: Manifest, supply: Supply, muteness: Muteness) -> None:
        self._supply = supply
        self._muteness = muteness
        self._lifetime_ns = int(manifest.lifetime_s * NS_A_S)
        self._within_ns = int(manifest.subscribe_within_s * NS_A_S)
        self._is_streamed = manifest.snapshot_from is SnapshotFrom.STREAM
        self._stale_ns = int(manifest.stale_s * NS_A_S)

    def look_at(self, link: Link, at_ns: int) -> None:
        self._look_at_age(link, at_ns)
        if not link.is_useless:
            self._muteness.look_at(link, at_ns)
            for seat in link.seats.values():
                self._look_at_trades(link, seat, at_ns)
                if seat.has_book:
                    self._look_at_seat(link, seat, at_ns)

    def _look_at_trades(self, link: Link, seat: Seat, at_ns: int) -> None:
        tape = seat.listing.tape
        tape.look_for_lost(at_ns)
        if tape.is_missing and at_ns - link.opened_at_ns >= TRADES_ASKED_AFTER_NS:
            self._supply.ask_for_trades(link, seat, at_ns)

    def _look_at_age(self, link: Link, at_ns: int) -> None:
        if self._lifetime_ns:
            margin_ns = min(LIFETIME_MARGIN_NS, self._lifetime_ns // 10)
            if at_ns - link.opened_at_ns > self._lifetime_ns - margin_ns:
                self._supply.renew(link, "Its lifetime is nearly over.", overlap=True)

    def _look_at_seat(self, link: Link, seat: Seat, at_ns: int) -> None:
        book = seat.book
        book.look_for_silence(at_ns)
        if seat.need is not Need.NOTHING:
            # No wait is longer, unless the clock has been put back since it began.
            seat.due_ns = min(seat.due_ns, at_ns + WAIT_NS_MAX)
            self._supply.serve(link, seat, at_ns)
        elif book.state not in _SETTLED:
            self._look_at_wait(link, seat, at_ns)
        elif book.state is not BookState.LIVE:
            self._look_at_quiet(link, seat, at_ns)

    def _look_at_quiet(self, link: Link, seat: Seat, at_ns: int) -> None:
        # Nothing speaks against the book, so it stays what it is while it is asked for beside.
        book = seat.book
        first_ns = self._stale_ns * STALE_TIMES_MAX
        if book.state is BookState.HALTED:
            first_ns = REFUSED_NS
        wait_ns = max(first_ns, min(first_ns << seat.quiet_tries, QUIET_NS_MAX))
        if at_ns - max(book.received_at_ns, seat.subscribed_at_ns) <= wait_ns:
            return
        updates = book.counts.updates
        # The answer itself may be one.
        is_quiet = updates <= seat.quiet_updates + 1
        seat.quiet_tries = min(seat.quiet_tries + 1, QUIET_TRIES_MAX) if is_quiet else 1
        seat.quiet_updates = updates
        self._supply.subscribe_anew(link, seat, at_ns)

    def _look_at_wait(self, link: Link, seat: Seat, at_ns: int) -> None:
        # What has come is enough of an answer where the book itself is asked for elsewhere.
        if at_ns - seat.subscribed_at_ns <= self._within_ns:
            return
        if seat.heard_at_ns and not self._is_streamed:
            return
        said = f" The venue said: {link.refusal}" if link.refusal else ""
        reason = f"Nothing has come within {self._within_ns // NS_A_S} s of subscribing.{said}"
        seat.book.lose(reason, at_ns, Need.SUBSCRIPTION)
        self._supply.note_need(link, seat, at_ns)


_SETTLED = WHOLE | {BookState.HALTED}
