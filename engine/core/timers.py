"""What is due when: markets that reopen, accounts whose timer runs, orders that time ends.

The rule of this file: what is due next follows from the living timers alone, never from how they
came to be. A timer that was cleared stays in the heap until it comes up or too many are dead;
whether an entry lives is known by the table beside it.
"""

from enum import IntEnum
from heapq import heapify, heappop, heappush

TimerId = int | str  # An account or order id, or a market's name: each kind has one of them.

_DEAD_MIN = 64  # Below this the heap is not worth sweeping, whatever part of it is dead.


class TimerKind(IntEnum):
    """In the order in which timers of the same time happen."""

    MARKET_STATUS = 1
    ACCOUNT = 2
    ORDER_EXPIRY = 3


class Timers:
    """All timers of an exchange; there is one of a kind for an id."""

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[tuple[TimerKind, TimerId], int] = {}
        self._heap: list[tuple[int, TimerKind, TimerId]] = []

    def __len__(self) -> int:
        return len(self._due)

    def set(self, kind: TimerKind, timer_id: TimerId, due_ns: int) -> None:
        """Set a timer; if it was set before, that is forgotten."""
        key = kind, timer_id
        if self._due.get(key) == due_ns:
            return
        self._due[key] = due_ns
        heappush(self._heap, (due_ns, kind, timer_id))
        self._sweep()

    def clear(self, kind: TimerKind, timer_id: TimerId) -> None:
        """Forget a timer, if it is set."""
        if self._due.pop((kind, timer_id), None) is not None:
            self._sweep()

    def are_due(self, now_ns: int) -> bool:
        """Say whether `pop_due` may have something; a quick look that is never wrongly False."""
        heap = self._heap
        return bool(heap) and heap[0][0] <= now_ns

    def living(self) -> dict[tuple[TimerKind, TimerId], int]:
        """Return when each timer is due, as a copy."""
        return dict(self._due)

    def due_ns(self, kind: TimerKind, timer_id: TimerId) -> int | None:
        """Return when this timer is due, or None if it is not set."""
        return self._due.get((kind, timer_id))

    def next_due_ns(self) -> int | None:
        """Return when the next timer is due, or None if none is set."""
        self._drop_dead()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_ns: int) -> tuple[TimerKind, TimerId] | None:
        """Take out and return the next timer that is due at or before now, or None.

        The oldest comes first, of the same time by kind, then by id.
        """
        heap = self._heap
        if not heap or heap[0][0] > now_ns:
            return None
        self._drop_dead()
        if not heap or heap[0][0] > now_ns:
            return None
        _, kind, timer_id = heappop(heap)
        del self._due[kind, timer_id]
        return kind, timer_id

    def _drop_dead(self) -> None:
        heap, due = self._heap, self._due
        while heap and due.get((heap[0][1], heap[0][2])) != heap[0][0]:
            heappop(heap)

    def _sweep(self) -> None:
        if len(self._heap) <= 2 * len(self._due) + _DEAD_MIN:
            return
        # Entries are totally ordered, so the heap that is built anew answers as the old one would.
        self._heap = [(due_ns, *key) for key, due_ns in self._due.items()]
        heapify(self._heap)
