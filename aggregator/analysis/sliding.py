"""Sums over the last so many seconds.

The rule of this file: what is added is put into hundredths of the window by the time of its
receipt, and leaves with its hundredth. So memory is bounded however much is traded, and the window
is the last 99 to 100 hundredths of its length.
"""

PARTS = 100


class SlidingSums:
    """`width` sums, added to together. Time never goes back: what is late counts as now."""

    def __init__(self, window_ns: int, width: int) -> None:
        self._window_ns = window_ns
        self._part_ns = window_ns // PARTS
        # By sum, in the places that their numbers have in a circle: there from the start, so that
        # a window does not take more and more while it fills.
        self._parts = [[0] * PARTS for _ in range(width)]
        self._sums = [0] * width
        self._first_at_ns: int | None = None
        self._now = 0  # The number of the latest part.

    def add(self, at_ns: int, *values: int) -> None:
        if self._first_at_ns is None:
            self._first_at_ns = at_ns
        self._move_to(at_ns)
        place = self._now % PARTS
        for index, value in enumerate(values):
            self._parts[index][place] += value
            self._sums[index] += value

    def sums(self, at_ns: int) -> list[int] | None:
        """Return the sums of the window that ends now; None until a whole window was watched."""
        if self._first_at_ns is None or at_ns - self._first_at_ns < self._window_ns:
            return None
        self._move_to(at_ns)
        return list(self._sums)

    def _move_to(self, at_ns: int) -> None:
        now = max(self._now, at_ns // self._part_ns)
        for number in range(max(self._now + 1, now - PARTS + 1), now + 1):
            place = number % PARTS
            for index, parts in enumerate(self._parts):
                self._sums[index] -= parts[place]
                parts[place] = 0
        self._now = now
