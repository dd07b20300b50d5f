"""How updates of a book hang together, and with a snapshot of it.

The rule of this file: numbers in, a verdict out. What a verdict means for a book is the book's.
"""

from collections.abc import Callable
from enum import Enum, auto

from aggregator.protocol import NS_A_S, BookUpdate, Chain


class Place(Enum):
    """Where an update stands in regard to a number that was reached."""

    NEXT = auto()
    OLD = auto()  # All that it says is known already.
    GAP = auto()  # Something between is missing.


# An update, and the number of the last one taken over.
Rule = Callable[[BookUpdate, int], Place]


def after_contiguous(update: BookUpdate, last_id: int) -> Place:
    """Each update begins where the last one ended, or before it."""
    if update.last_id <= last_id:
        return Place.OLD
    return Place.NEXT if update.first_id <= last_id + 1 else Place.GAP


def after_linked(update: BookUpdate, last_id: int) -> Place:
    """Each update names the one before; the numbers may even begin anew after maintenance, with
    an update that names the old one. So the name is looked at before the number is.
    """
    if update.previous_id == last_id:
        return Place.NEXT
    return Place.OLD if update.last_id <= last_id else Place.GAP


def after_anything(_update: BookUpdate, _last_id: int) -> Place:
    return Place.NEXT


def joins_linked(update: BookUpdate, snapshot_id: int) -> Place:
    """The update that ends at the snapshot's own number still counts as the first one: the next
    one names it. It changes nothing that the snapshot does not have already.
    """
    if update.last_id < snapshot_id:
        return Place.OLD
    return Place.NEXT if update.previous_id <= snapshot_id else Place.GAP


AFTER: dict[Chain, Rule] = {
    Chain.CONTIGUOUS: after_contiguous,
    Chain.LINKED: after_linked,
    Chain.NONE: after_anything,
}
# The first update after a snapshot, where that is not found as any other one is.
JOINS: dict[Chain, Rule] = {**AFTER, Chain.LINKED: joins_linked}

# Old numbers and nothing else, so many and for so long: a burst that comes twice is over sooner.
REPEATS_MIN = 10
REPEATS_NS_MIN = 3 * NS_A_S


class Repeats:
    """Tells a venue that counts anew without a word from one that repeats itself."""

    __slots__ = ("_count", "_last_id", "_since_ns")

    def __init__(self) -> None:
        self._count = 0
        self._last_id: int | None = None
        self._since_ns = 0

    def add(self, last_id: int, at_ns: int) -> bool:
        """Count an old one, and say whether they go on for too long.

        `last_id` is the number that was reached: while it stays, nothing new has come between.
        """
        if last_id != self._last_id:
            self._last_id, self._count, self._since_ns = last_id, 0, at_ns
        self._count += 1
        return self._count >= REPEATS_MIN and at_ns - self._since_ns >= REPEATS_NS_MIN


# A venue that begins to count anew gives its first snapshot one of these numbers.
RESTART_IDS_MAX = 1


def is_restart(snapshot: BookUpdate) -> bool:
    """Say whether numbers seen before this snapshot mean nothing any more."""
    return snapshot.last_id <= RESTART_IDS_MAX
