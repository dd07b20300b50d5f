"""When which view says what has gathered since it last spoke.

The rule of this file: it is given the time and keeps none. A member is due at fixed moments: those
that are a multiple of its interval, plus a part of the interval that is its own. The parts are
spread, so that a crowd is not written to all at once and a change waits half an interval on
average, whoever it is for.
"""

import heapq
from collections.abc import Callable
from itertools import count

NS_PER_MS = 1_000_000
STOPPED_KEPT_MAX = 64  # Beats that ended and are not due yet, or as many as there are live ones.
# The golden ratio's part of 2**64: multiples of it, modulo 2**64, are spread evenly however many
# there are, and so are every second, tenth or hundredth of them.
_SPREAD = 0x9E37_79B9_7F4A_7C15
_SPREAD_BITS = 64


class Beat:
    """One member, until `Cadence.stop`."""

    __slots__ = ("act", "interval_ns")

    def __init__(self, act: Callable[[], None], interval_ns: int) -> None:
        self.act: Callable[[], None] | None = act  # None once it is stopped.
        self.interval_ns = interval_ns


class Cadence:
    """All beats of a process."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Beat]] = []
        self._stopped_count = 0  # Of those in `_due`.
        self._numbers = count()
        self._at_ns = 0
        self.on_earlier: Callable[[], None] = _nobody_waits  # The next beat is earlier than it was.

    def __len__(self) -> int:
        return len(self._due) - self._stopped_count

    def start(self, act: Callable[[], None], interval_ms: int) -> Beat:
        """Have `act` called every `interval_ms`, which is above 0, from some moment within it."""
        assert interval_ms > 0, "what is sent at once has no beat"
        beat, number = Beat(act, interval_ms * NS_PER_MS), next(self._numbers)
        phase_ns = _phase_ns(number, beat.interval_ns)
        first_ns = self._at_ns + (phase_ns - self._at_ns) % beat.interval_ns
        earliest_ns = self.next_ns
        heapq.heappush(self._due, (first_ns, number, beat))
        if earliest_ns is None or first_ns < earliest_ns:
            self.on_earlier()
        return beat

    def stop(self, beat: Beat) -> None:
        """Never call it again; what it would have called is let go at once."""
        if beat.act is None:
            return
        beat.act = None
        self._stopped_count += 1
        if self._stopped_count > max(STOPPED_KEPT_MAX, len(self)):
            self._due = [entry for entry in self._due if entry[2].act is not None]
            heapq.heapify(self._due)
            self._stopped_count = 0

    @property
    def next_ns(self) -> int | None:
        """When the next beat is due; None when there is none."""
        while self._due and self._due[0][2].act is None:
            heapq.heappop(self._due)
            self._stopped_count -= 1
        return self._due[0][0] if self._due else None

    def run(self, now_ns: int) -> None:
        """Call once everything that is due by `now_ns`; beats that were missed are skipped."""
        self._at_ns = max(self._at_ns, now_ns)
        while (due_ns := self.next_ns) is not None and due_ns <= now_ns:
            _, number, beat = self._due[0]
            beats_passed = (now_ns - due_ns) // beat.interval_ns + 1
            next_ns = due_ns + beats_passed * beat.interval_ns
            heapq.heapreplace(self._due, (next_ns, number, beat))
            assert beat.act is not None, "stopped beats are not next"
            beat.act()


def _phase_ns(number: int, interval_ns: int) -> int:
    return ((number * _SPREAD) % (1 << _SPREAD_BITS)) * interval_ns >> _SPREAD_BITS


def _nobody_waits() -> None:
    """The default: whoever drives the cadence looks often enough."""
