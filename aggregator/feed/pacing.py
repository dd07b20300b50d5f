"""How much of something may be done now.

The rule of this file: pure. It is told the time and says how long to wait; somebody else waits.
"""

from collections import deque


class Allowance:
    """So much a second, and a burst: a bucket that fills up steadily."""

    def __init__(self, per_s: float, burst: float) -> None:
        assert per_s > 0, "nothing a second is for ever"
        assert burst >= 1, "one at a time has to fit in"
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def wait_s(self, now_s: float, amount: float = 1) -> float:
        """Take `amount` and return 0; or take nothing and return how long until it is there.

        More than a burst is taken once the bucket is full, and paid back afterwards.
        """
        if self._at_s is not None:
            self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        missing = min(amount, self._burst) - self._left
        if missing > 0:
            return missing / self._per_s
        self._left -= amount
        return 0.0


class Window:
    """So many in any stretch of `period_s`; no more is asked for than a venue allows."""

    def __init__(self, count_max: int, period_s: float) -> None:
        assert count_max > 0, "a window lets at least one pass"
        self._count_max = count_max
        self._period_s = period_s
        self._times: deque[float] = deque()  # Never more than `count_max`.

    def wait_s(self, now_s: float) -> float:
        """Return how long until there is room for one more."""
        while self._times and now_s - self._times[0] >= self._period_s:
            self._times.popleft()
        if len(self._times) < self._count_max:
            return 0.0
        return self._times[0] + self._period_s - now_s

    def take(self, now_s: float) -> None:
        """Count one, for which there is room."""
        assert len(self._times) < self._count_max, "there was room when it was asked for"
        self._times.append(now_s)


class Ban:
    """A venue has said for how long not to ask: it holds for all of its feeds."""

    def __init__(self) -> None:
        self._until_s = 0.0
        self.count = 0  # For the figures.

    def set(self, now_s: float, for_s: float) -> None:
        self.count += 1
        self._until_s = max(self._until_s, now_s + for_s)

    def wait_s(self, now_s: float) -> float:
        return max(self._until_s - now_s, 0.0)
