"""What all feeds of one process share.

The rule of this file: it is put together once, and handed to everybody.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from aggregator.books.effects import Mismatch
from aggregator.feed import patience
from aggregator.feed.apart import Apart
from aggregator.feed.clock import Clock
from aggregator.feed.drain import Drain
from aggregator.feed.inbox import FRAMES_WAITING_MAX
from aggregator.feed.opening import Way
from aggregator.feed.pacing import Ban
from aggregator.feed.recording import Recorder
from aggregator.feed.sockets import RECEIVE_BYTES_MAX


def nothing() -> None:
    """Do nothing, where nobody wants to know."""


@dataclass(frozen=True)
class Limits:
    """What can be set of the feed's patience.

    After `reconnect_attempts_max` tries in a row that came to nothing a feed is halted until it is
    resumed; 0 is no limit.
    """

    reconnect_attempts_max: int = 0
    frames_waiting_max: int = FRAMES_WAITING_MAX  # Of one connection; with more it begins anew.
    ping_every_s: float = 20.0  # As the library does by itself, and every venue bears.
    pong_within_s: float = 20.0
    steady_s: float = 30.0  # After so long a connection was a good one; what was before is over.
    backoff_first_s: float = patience.BACKOFF_FIRST_S
    backoff_max_s: float = patience.BACKOFF_MAX_S
    breaker_failures_max: int = patience.FAILURES_MAX  # Of all connections of a feed.
    breaker_pause_s: float = patience.BREAKER_PAUSE_S


@dataclass
class Common:
    """One for a process."""

    drain: Drain
    apart: Apart
    way: Way = field(default_factory=Way)
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=Limits)
    recorder: Recorder | None = None
    on_mismatch: Callable[[Mismatch], None] | None = None
    random_source: random.Random = field(default_factory=random.Random)
    # The loop fills it and it is emptied at once, so one is enough for all sockets.
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(RECEIVE_BYTES_MAX)))
    connections: Iterator[int] = field(default_factory=lambda: count(1))  # Their numbers.
    bans: dict[str, Ban] = field(default_factory=dict)  # By venue; there are few.

    def ban_of(self, venue: str) -> Ban:
        """Return what says how long this venue wants to be left alone."""
        return self.bans.setdefault(venue, Ban())
