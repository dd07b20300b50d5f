"""What went through the queues of frames of all connections of a feed.

The rule of this file: whatever went in is counted once, also of connections that are over.
"""

from collections.abc import Collection

from aggregator.feed.inbox import Inbox
from aggregator.feed.queues import Policy, QueueCounts


class Tally:
    """Inboxes from their beginning on; those that are over are summed up."""

    def __init__(self, frames_max: int) -> None:
        self._frames_max = frames_max
        self._inboxes: list[Inbox] = []
        self._over = self._nothing()

    def add(self, inbox: Inbox) -> None:
        self._inboxes.append(inbox)

    def drop_all(self) -> None:
        """Give up, counted as dropped, whatever waits."""
        for inbox in self._inboxes:
            inbox.queue.drop_all()

    def has_waiting(self, connection: int) -> bool:
        """Whether frames of a connection wait for the desk."""
        return any(one.is_behind for one in self._inboxes if one.connection == connection)

    def read(self, open_now: Collection[int], *, is_halted: bool) -> QueueCounts:
        """Return the counts of all together, the connections that are `open_now` among them."""
        total = self._nothing()
        for inbox in tuple(self._inboxes):
            is_needed = inbox.is_held or (inbox.has_something and not is_halted)
            if is_needed or inbox.connection in open_now:
                total.add(inbox.queue.counts)
            else:
                self._inboxes.remove(inbox)
                self._over.add(inbox.queue.counts)
        total.add(self._over)
        return total

    def _nothing(self) -> QueueCounts:
        return QueueCounts(Policy.DISCONNECT, self._frames_max)
