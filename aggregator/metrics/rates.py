"""How much a second, from counters that only grow.

The rule of this file: pure; whole numbers a second, rounded to the nearest.
"""

from collections.abc import Mapping

NS_A_S = 1_000_000_000


class Rates:
    """Remembers what the counters were; one of these for each thing that is counted."""

    __slots__ = ("_at_ns", "_before")

    def __init__(self) -> None:
        self._at_ns = 0
        self._before: dict[str, int] = {}

    def read(self, counts: Mapping[str, int], at_ns: int) -> dict[str, int]:
        """Return each counter's growth a second since the last reading; 0 at the first one, or
        if no time has passed.
        """
        span_ns = at_ns - self._at_ns if self._at_ns else 0
        before, self._before, self._at_ns = self._before, dict(counts), at_ns
        if span_ns <= 0:
            return dict.fromkeys(counts, 0)
        return {
            name: ((count - before.get(name, 0)) * NS_A_S + span_ns // 2) // span_ns
            for name, count in counts.items()
        }
