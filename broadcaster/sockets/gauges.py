"""What the process takes, and how long it keeps its clients waiting.

The rule of this file: gauges for /metrics; what costs something is measured only when asked.
"""

from collections.abc import Mapping

import psutil

READ_INTERVAL_S = 1  # To count 10,000 descriptors takes milliseconds, and anybody may ask.
LAG_WINDOW_S = 60  # A stall is shown for one to two of these, so that no scraper misses it.


class LoopLag:
    """How late the loop was for its ticks, at worst, of late."""

    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._now_max_s = 0.0
        self._before_max_s = 0.0

    def add(self, lag_s: float, now_s: float) -> None:
        """Take how late a tick was."""
        if now_s - self._since_s >= LAG_WINDOW_S:
            self._since_s = now_s
            self._before_max_s, self._now_max_s = self._now_max_s, 0.0
        self._now_max_s = max(self._now_max_s, lag_s)

    @property
    def max_us(self) -> int:
        """The worst of the last one or two windows, in microseconds."""
        return int(1_000_000 * max(self._now_max_s, self._before_max_s))


class ProcessGauges:
    """What the process takes of memory and descriptors."""

    def __init__(self) -> None:
        self._read_s: float | None = None
        self._gauges: dict[str, int] = {}

    def read(self, now_s: float) -> Mapping[str, int]:
        """Return the gauges, which may be a second old."""
        if self._read_s is None or now_s - self._read_s >= READ_INTERVAL_S:
            process = psutil.Process()
            self._read_s = now_s
            self._gauges = {
                "resident_memory_bytes": process.memory_info().rss,
                "open_descriptors": process.num_fds(),
            }
        return self._gauges
