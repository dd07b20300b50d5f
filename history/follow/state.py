"""How following goes, for whoever asks, and for the log.

The rule of this file: a state is told once, when it begins, and not again while it lasts.
"""

import time
from enum import Enum

from shared.logs import get_logger

_log = get_logger(__name__)


class Following(Enum):
    """Where the next event comes from, or why it does not come."""

    STARTING = "starting"
    STREAM = "stream"
    ARCHIVE = "archive"
    MISSING = "missing"
    REDIS_AWAY = "redis_away"


TROUBLES = frozenset({Following.MISSING, Following.REDIS_AWAY})


class State:
    """A state, since when it lasts (Unix seconds), and in trouble one sentence about it."""

    def __init__(self) -> None:
        self.name = Following.STARTING
        self.since_s = time.time()
        self.reason = ""

    @property
    def is_trouble(self) -> bool:
        return self.name in TROUBLES

    def turn(self, name: Following, reason: str = "") -> None:
        """Be in a state from now on; the first reason for a trouble stays until another state."""
        if name is self.name:
            return
        was_trouble, was = self.is_trouble, self.name
        self.name, self.since_s, self.reason = name, time.time(), reason
        if self.is_trouble:
            _log.warning("following_waits", state=name.value, reason=reason)
        elif was_trouble:
            _log.info("following_goes_on", after=was.value, state=name.value)
