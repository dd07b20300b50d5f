"""How long messages took, without keeping each: counts by tenths of a microsecond.

The rule of this file: a percentile is the time that so many of a hundred did not exceed.
"""

from collections import Counter

STEP_NS = 100  # Finer than the clock is honest.


class Latencies:
    """Of one book."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, took_ns: int) -> None:
        self._counts[took_ns // STEP_NS] += 1

    @property
    def count(self) -> int:
        return self._counts.total()

    def merge(self, other: "Latencies") -> None:
        self._counts.update(other._counts)

    def percentile_us(self, percent: int) -> float:
        """Return microseconds; 0 when nothing was measured."""
        left = -(-self._counts.total() * percent // 100)
        for steps in sorted(self._counts):
            left -= self._counts[steps]
            if left <= 0:
                return steps * STEP_NS / 1000
        return 0.0
