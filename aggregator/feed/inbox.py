"""The frames of one connection that the desk has not seen yet.

The rule of this file: they leave in the order in which they came, and the end of the connection
comes after them. None is passed over: what does not fit ends the connection.
"""

from dataclasses import dataclass
from typing import Protocol

from aggregator.feed.incoming import Message
from aggregator.feed.queues import BoundedQueue, Policy

# A second of the busiest stream known is about 1,000 frames; with more than this waiting we are
# many seconds behind, and a new snapshot is nearer than the end of the queue.
FRAMES_WAITING_MAX = 16_384
# And in bytes: three of the largest frames there can be, with what comes while one is being read.
BYTES_WAITING_MAX = 48 * 1024 * 1024


# With so many waiting, reading more only takes time from working them off: the line is left to fill
# until few are left. Then the next read finds work to do at once.
FRAMES_PAUSE = 1_024
FRAMES_RESUME = 256
# A connection that has not been caught up with for so long shows the past: it begins anew.
BEHIND_S_MAX = 5.0


class Source(Protocol):
    """Where the frames come from."""

    def pause(self) -> None:
        """Read no more for now."""

    def resume(self) -> None:
        """Read again."""


@dataclass(frozen=True)
class End:
    """How and when a connection ended."""

    code: int
    reason: str
    at_ns: int


class Inbox:
    """Of one connection, from its opening to its end."""

    def __init__(
        self, connection: int, url: str = "", *, frames_max: int = FRAMES_WAITING_MAX
    ) -> None:
        self.connection = connection
        self.url = url
        self.queue: BoundedQueue[tuple[Message, int]] = BoundedQueue(frames_max, Policy.DISCONNECT)
        self._counts = self.queue.counts
        self._pause_at = min(FRAMES_PAUSE, frames_max // 2)
        self._resume_at = min(FRAMES_RESUME, self._pause_at // 2)
        self.waiting_bytes = 0
        self.is_held = False  # A frame is being read elsewhere; those after it wait.
        self.is_listed = False  # It is in the line of those that have something to give.
        self.end: End | None = None  # Once it is over.
        self.source: Source | None = None
        self.is_paused = False

    @property
    def has_something(self) -> bool:
        return not self.is_held and (self._counts.waiting > 0 or self.end is not None)

    @property
    def is_behind(self) -> bool:
        """Whether something has come that the desk was not given, or may come once we read on."""
        return self.is_held or self.is_paused or self._counts.waiting > 0

    def put(self, frame: Message, at_ns: int) -> bool:
        """Add a frame; False says that there is no room, and the connection has to end."""
        counts, size = self._counts, self.waiting_bytes + len(frame)
        if size > BYTES_WAITING_MAX and counts.waiting:
            counts.refused += 1
            return False
        if not self.queue.put((frame, at_ns)):
            return False
        self.waiting_bytes = size
        if counts.waiting >= self._pause_at and not self.is_paused and self.source is not None:
            self.is_paused = True
            self.source.pause()
        return True

    def take(self) -> tuple[Message, int]:
        frame, at_ns = self.queue.take()
        self.waiting_bytes -= len(frame)
        if self.is_paused and self._counts.waiting <= self._resume_at and self.source is not None:
            self.is_paused = False
            self.source.resume()
        return frame, at_ns
