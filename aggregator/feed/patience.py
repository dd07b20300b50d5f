"""How long to wait before the next try, and when to stop trying.

The rule of this file: pure. It counts failures and says how long; somebody else waits.
"""

import random
from enum import StrEnum

BACKOFF_FIRST_S = 0.5  # Most cuts are single: after the first one it is back at once.
BACKOFF_MAX_S = 30.0  # What is back is found within half a minute.
DOUBLINGS_MAX = 16  # 2^16 half seconds are long past the cap; more would only be large numbers.
FAILURES_MAX = 6  # In a row: some ten seconds of tries. Then the venue is left alone.
BREAKER_PAUSE_S = 60.0  # Long against a hiccup, short against an outage.


class Backoff:
    """Full jitter: anything from nothing up to a bound that doubles with each failure in a row.

    After "Exponential Backoff And Jitter" of the AWS Architecture Blog: it spreads those who were
    cut off together best.
    """

    def __init__(
        self,
        random_source: random.Random,
        *,
        first_s: float = BACKOFF_FIRST_S,
        max_s: float = BACKOFF_MAX_S,
    ) -> None:
        assert 0 < first_s <= max_s, "the bound grows from the first to the last"
        self._random = random_source
        self._first_s = first_s
        self._max_s = max_s
        self.failures = 0  # In a row.

    @property
    def bound_s(self) -> float:
        """The longest that the next wait can be."""
        if not self.failures:
            return 0.0
        doublings = min(self.failures - 1, DOUBLINGS_MAX)
        return min(self._first_s * (1 << doublings), self._max_s)

    def failed(self) -> float:
        """Count a failure, and return how long to wait."""
        self.failures += 1
        return self._random.uniform(0, self.bound_s)

    def succeeded(self) -> None:
        self.failures = 0


class Stance(StrEnum):
    CLOSED = "closed"  # Whoever wants to try may.
    OPEN = "open"  # Nobody tries.
    HALF_OPEN = "half_open"  # One is trying, for all.


class Breaker:
    """Stands before a venue: after some failures in a row of any of a feed's connections, nobody
    knocks for a while, and then one of them does for all.
    """

    def __init__(
        self, *, failures_max: int = FAILURES_MAX, pause_s: float = BREAKER_PAUSE_S
    ) -> None:
        assert failures_max > 0, "a breaker lets at least one failure pass"
        self._failures_max = failures_max
        self._pause_s = pause_s
        self._until_s = 0.0
        self.stance = Stance.CLOSED
        self.failures = 0  # In a row.
        self.opened = 0  # How often, for the figures.

    def wait_s(self, now_s: float) -> float:
        """Return how long until one may try again; 0 means now."""
        return 0.0 if self.stance is Stance.CLOSED else max(self._until_s - now_s, 0.0)

    def try_now(self, now_s: float) -> bool:
        """Take leave to try. Whoever got it tells the outcome; if it is never told, another one
        gets leave after another pause.
        """
        if self.stance is Stance.CLOSED:
            return True
        if now_s < self._until_s:
            return False
        self.stance = Stance.HALF_OPEN
        self._until_s = now_s + self._pause_s
        return True

    def failed(self, now_s: float) -> None:
        self.failures += 1
        if self.stance is Stance.CLOSED and self.failures < self._failures_max:
            return
        if self.stance is not Stance.OPEN:
            self.opened += 1
            self.stance = Stance.OPEN
            self._until_s = now_s + self._pause_s

    def succeeded(self) -> None:
        self.stance = Stance.CLOSED
        self.failures = 0
