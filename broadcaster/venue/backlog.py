"""What the live channels said and nobody has taken over yet.

The rule of this file: it is bounded, and it forgets the oldest. That is no silent loss: whatever
comes after the hole does not follow, and the event stream has what was forgotten.
"""

from collections import deque
from typing import NamedTuple

BATCHES_MAX = 1_024  # A second of a busy venue; more is read faster from the stream.
BYTES_MAX = 64 << 20  # One sweep of 100,000 orders fits; a venue that outruns us does not fill RAM.


class Heartbeat(NamedTuple):
    """Where the engine says it is."""

    epoch: int
    sequence: int


Heard = bytes | Heartbeat  # A batch as it was published, or a heartbeat.


class Backlog:
    """A queue in the order of hearing."""

    def __init__(self, batches_max: int = BATCHES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._batches_max = batches_max
        self._bytes_max = bytes_max
        self._heard: deque[Heard] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._heard)

    def add(self, heard: Heard) -> None:
        """Append; the newest always stays, so that a hole before it shows."""
        self._heard.append(heard)
        self.size_bytes += _size_bytes(heard)
        while len(self) > 1 and (
            len(self) > self._batches_max or self.size_bytes > self._bytes_max
        ):
            self.take()

    def take(self) -> Heard:
        """Remove and return the oldest; raises IndexError when empty."""
        heard = self._heard.popleft()
        self.size_bytes -= _size_bytes(heard)
        return heard


def _size_bytes(heard: Heard) -> int:
    return len(heard) if isinstance(heard, bytes) else 0
