"""How far trades have come: on one connection, and by the venue's clock.

The rule of this file: a mark is of a trade that came, and never newer than what is proven to be
there. A time that may be damaged makes no mark.
"""

from collections import deque
from typing import NamedTuple

from aggregator.protocol import NS_A_S, TradeUpdate

# A venue's clock may be so far ahead of ours. One time further ahead may be damaged; with that of
# a second trade near it, it is our clock that is behind.
AHEAD_NS_MAX = 5 * NS_A_S
# Two connections of a venue are not so many trades apart; what is not found is not proven.
RECENT_MAX = 64


class Mark(NamedTuple):
    """A trade's time at the venue, and its id."""

    at_ns: int
    trade_id: str


NO_MARK = Mark(0, "")


class VenueClock:
    """Which of the venue's times can be believed."""

    __slots__ = ("_ahead_ns", "_far_id", "_far_ns")

    def __init__(self) -> None:
        self._ahead_ns = 0  # Of the venue's clock, by the last time that was believed.
        self._far_ns = 0  # The same of one that was not.
        self._far_id = ""

    def believes(self, update: TradeUpdate, at_ns: int) -> bool:
        """Say whether the time of a trade of the stream can be right."""
        ahead_ns = update.venue_at_ns - at_ns
        if update.venue_at_ns > self.latest_ns(at_ns):
            is_near = abs(ahead_ns - self._far_ns) <= AHEAD_NS_MAX
            # Another connection may bring the same trade.
            if not is_near or self._far_id in ("", update.trade_id):
                self._far_ns, self._far_id = ahead_ns, update.trade_id
                return False
        self._ahead_ns, self._far_id = ahead_ns, ""
        return True

    def latest_ns(self, at_ns: int) -> int:
        """Return the latest time that a trade can have that is known by now."""
        return at_ns + AHEAD_NS_MAX + max(0, self._ahead_ns)


class Trail:
    """The trades of one symbol on one connection. `joined`: connections that have brought one of
    them, too, so that none is missing between the two.
    """

    __slots__ = ("_last", "_recent", "_sure", "joined")

    def __init__(self) -> None:
        self.joined: set[int] = set()
        self._last: Mark | None = None
        self._sure: Mark | None = None  # Up to there nothing is missing, or known to be.
        self._recent: deque[str] = deque(maxlen=RECENT_MAX)

    def add(self, trade_id: str, mark: Mark) -> None:
        """Take note of a trade; the mark is of the last one whose time is believed."""
        self._recent.append(trade_id)
        if mark.trade_id == trade_id:
            self._last = mark
            if self._sure is None:
                self._sure = mark

    def has(self, trade_id: str) -> bool:
        """Say whether a trade has come here lately."""
        return trade_id in self._recent

    def prove(self) -> None:
        """Until now nothing is missing."""
        self._sure = self._last

    def take_sure(self) -> Mark | None:
        """Return from where on trades may be missing; from now on that is known. None: nothing has
        come here, and what is missing was lost with the connection before.
        """
        sure, self._sure = self._sure, self._last
        return sure
