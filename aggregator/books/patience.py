"""How long to wait before asking for the same thing again.

The rule of this file: twice at once, because a single loss is common, and then longer and longer.
"""

from aggregator.protocol import NS_A_S

FREE_TRIES = 2
FIRST_WAIT_NS = NS_A_S // 2
WAIT_NS_MAX = 60 * NS_A_S
# After so long without a need, the next one is a first one.
FORGIVEN_AFTER_NS = 30 * NS_A_S


class Patience:
    __slots__ = ("_last_ns", "_tries")

    def __init__(self) -> None:
        self._tries = 0
        self._last_ns = 0

    def next_at_ns(self, at_ns: int) -> int:
        """Return when to try again; each call is a try."""
        if at_ns - self._last_ns > FORGIVEN_AFTER_NS:
            self._tries = 0
        self._tries += 1
        extra = self._tries - FREE_TRIES
        wait_ns = 0 if extra <= 0 else min(FIRST_WAIT_NS << min(extra - 1, 16), WAIT_NS_MAX)
        self._last_ns = at_ns + wait_ns
        return self._last_ns
