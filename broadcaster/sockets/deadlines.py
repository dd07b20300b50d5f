"""How long one connection may take for everything.

The rule of this file: it is given the time and keeps none of its own. One look every second at each
connection takes the place of timers, of which ten thousand connections would have fifty thousand.
"""

from enum import Enum, auto
from typing import NamedTuple

OPEN_TIMEOUT_S = 5  # A handshake takes milliseconds; a slow one is an attack.
PING_INTERVAL_S = 20  # With the timeout, a dead peer is gone within 40 s.
PONG_TIMEOUT_S = 20
SEND_STALL_MAX_S = 30  # A client that takes nothing for so long does not read; it is cut off.
ENDING_MAX_S = 10  # What was queued before the goodbye goes out, to a slow reader too.
CLOSE_TIMEOUT_S = 2  # How long a client may take to answer the goodbye.
INTERNAL_ERROR = 1011  # What servers say of a peer that does not answer pings.


class Act(Enum):
    """What has to be done."""

    PING = auto()
    CLOSE = auto()
    ABORT = auto()


class Due(NamedTuple):
    """What has to be done with a connection; code and reason are those of a close."""

    act: Act
    code: int = 0
    reason: str = ""


PING = Due(Act.PING)
ABORT = Due(Act.ABORT)
NO_PONG = Due(Act.CLOSE, INTERNAL_ERROR, "no pong came")


class Deadlines:
    """The clocks of one connection; `ping_phase` (0 to 1) spreads the first pings of a crowd."""

    __slots__ = (
        "_is_leaving",
        "_is_open",
        "_ping_due_s",
        "_ping_phase",
        "_pinged_s",
        "_since_s",
        "_taken_s",
        "_unsent_bytes",
    )

    def __init__(self, now_s: float, ping_phase: float) -> None:
        self._since_s = now_s  # Since when it is in this stage.
        self._ping_phase = ping_phase
        self._is_open = False
        self._is_leaving = False
        self._ping_due_s = 0.0
        self._pinged_s: float | None = None  # The ping that no pong has answered.
        self._unsent_bytes = 0
        self._taken_s = now_s  # When the socket last took something.

    def opened(self, now_s: float) -> None:
        """The handshake is done."""
        self._is_open = True
        self._ping_due_s = now_s + self._ping_phase * PING_INTERVAL_S

    def ponged(self) -> None:
        """The client has answered a ping."""
        self._pinged_s = None

    def leaving(self, now_s: float) -> None:
        """The connection is over but for the goodbyes."""
        if not self._is_leaving:
            self._is_leaving = True
            self._since_s = self._taken_s = now_s

    def due(self, now_s: float, unsent_bytes: int) -> Due | None:
        """Return what has to be done now; `unsent_bytes` is what the socket has not taken yet."""
        if self._is_leaving:
            return self._due_leaving(now_s, unsent_bytes)
        if not self._is_open:
            return ABORT if now_s - self._since_s > OPEN_TIMEOUT_S else None
        if unsent_bytes:
            return self._due_stalled(now_s, unsent_bytes)
        self._unsent_bytes = 0
        if self._pinged_s is not None and now_s - self._pinged_s > PONG_TIMEOUT_S:
            return NO_PONG
        if now_s >= self._ping_due_s:
            self._ping_due_s = now_s + PING_INTERVAL_S
            if self._pinged_s is None:
                self._pinged_s = now_s
            return PING
        return None

    def _due_stalled(self, now_s: float, unsent_bytes: int) -> Due | None:
        if self._pinged_s is not None:
            self._pinged_s = now_s  # The ping, or its pong's turn, is behind what is stuck.
        if unsent_bytes != self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self._taken_s = now_s
            return None
        return ABORT if now_s - self._taken_s > SEND_STALL_MAX_S else None

    def _due_leaving(self, now_s: float, unsent_bytes: int) -> Due | None:
        if unsent_bytes:
            self._taken_s = now_s
            return ABORT if now_s - self._since_s > ENDING_MAX_S else None
        return ABORT if now_s - self._taken_s > CLOSE_TIMEOUT_S else None
