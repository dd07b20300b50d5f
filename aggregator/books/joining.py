"""A snapshot and the updates around it, until they fit together.

The rule of this file: nothing is lost and nothing is guessed. Updates are kept in order; a
snapshot that is older than the first of them is of no use, and one that is newer than the last of
them waits until they reach it.
"""

from enum import Enum, auto

from aggregator.books.chains import AFTER, JOINS, Place, is_restart
from aggregator.protocol import NONE, BookUpdate, Chain

# Half a minute of the busiest book at a hundred updates a second. Past it the snapshot is not
# coming, and what is dropped makes the next one too old, so it is asked for again.
UPDATES_KEPT_MAX = 3_000


class Fit(Enum):
    JOINED = auto()
    WAITING = auto()  # For a snapshot, or for updates to reach it.
    TOO_OLD = auto()  # The snapshot lacks updates that were never seen.


class Joining:
    """`snapshot` and `updates` are the book once they fit."""

    __slots__ = ("_after", "_chain", "_joins", "newest_id", "snapshot", "updates")

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._after = AFTER[chain]
        self._joins = JOINS[chain]
        self.snapshot: BookUpdate | None = None
        self.updates: list[BookUpdate] = []
        self.newest_id = NONE  # Of all updates kept so far.

    def keep(self, update: BookUpdate) -> Place:
        """Keep an update; after a gap, those before it are useless and are let go."""
        place = Place.NEXT
        if self.newest_id != NONE:
            place = self._after(update, self.newest_id)
        if place is Place.OLD:
            return place
        if place is Place.GAP or len(self.updates) >= UPDATES_KEPT_MAX:
            self.updates.clear()
        self.updates.append(update)
        self.newest_id = update.last_id
        return place

    def fit_answer(self) -> Fit:
        """Try to join a snapshot that was asked for beside the stream."""
        snapshot = self.snapshot
        if snapshot is None:
            return Fit.WAITING
        self._drop_old(snapshot.last_id)
        if self.updates:
            fits = self._joins(self.updates[0], snapshot.last_id) is Place.NEXT
            return Fit.JOINED if fits else self._too_old()
        if self.newest_id > snapshot.last_id:
            return self._too_old()  # What it lacks was taken over before anything was kept.
        return Fit.JOINED if self.newest_id == snapshot.last_id else Fit.WAITING

    def fit_streamed(self) -> Fit:
        """Try to join a snapshot of the stream itself: it is as new as what came before it, so
        updates beyond it show that it was held up on its way.
        """
        snapshot = self.snapshot
        assert snapshot is not None, "a streamed snapshot is joined when it comes"
        if self._chain is Chain.NONE or is_restart(snapshot):
            self.updates.clear()
            return Fit.JOINED
        self._drop_old(snapshot.last_id)
        if not self.updates or self._joins(self.updates[0], snapshot.last_id) is Place.NEXT:
            return Fit.JOINED
        return self._too_old()

    def _drop_old(self, snapshot_id: int) -> None:
        updates, joins = self.updates, self._joins
        count = 0
        while count < len(updates) and joins(updates[count], snapshot_id) is Place.OLD:
            count += 1
        del updates[:count]

    def _too_old(self) -> Fit:
        self.snapshot = None
        return Fit.TOO_OLD
