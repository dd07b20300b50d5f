"""Sums over the last so many seconds.

The rule of this file: what is added is put into hundredths of the window by the time of its
receipt, and leaves with its hundredth. So memory is bounded however much is traded, and the window
is the last 99 to 100 hundredths of its length.
"""

from collections import deque

PARTS = 100


class SlidingSums:
    """`width` sums, added to together. Time never goes back: what is late counts as now."""

    def __init__(self, window_ns: int, width: int) -> None:
        self._window_ns = window_ns
        self._part_ns = window_ns // PARTS
        self._parts: deque[tuple[int, list[int]]] = deque()
        self._sums = [0] * width
        self._first_at_ns: int | None = None
        self._now = 0  # The number of the latest part.

    def add(self, at_ns: int, *values: int) -> None:
        if self._first_at_ns is None:
            self._first_at_ns = at_ns
        self._move_to(at_ns)
        if not self._parts or self._parts[-1][0] != self._now:
            self._parts.append((self._now, [0] * len(self._sums)))
        part = self._parts[-1][1]
        for index, value in enumerate(values):
            part[index] += value
            self._sums[index] += value

    def sums(self, at_ns: int) -> list[int] | None:
        """Return the sums of the window that ends now; None until a whole window was watched."""
        if self._first_at_ns is None or at_ns - self._first_at_ns < self._window_ns:
            return None
        self._move_to(at_ns)
        return list(self._sums)

    def _move_to(self, at_ns: int) -> None:
        self._now = max(self._now, at_ns // self._part_ns)
        while self._parts and self._parts[0][0] <= self._now - PARTS:
            _, gone = self._parts.popleft()
            for index, value in enumerate(gone):
                self._sums[index] -= value
