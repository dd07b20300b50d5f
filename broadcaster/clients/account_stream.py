"""One socket's view of its account: a snapshot, then every update after it, with no hole.

The rule of this file: updates that arrive while the snapshot is being read wait for it; those that
the snapshot already contains are dropped; anything that does not follow asks for a new snapshot.
"""

from collections import deque
from collections.abc import Callable, Iterable

from shared.feed import Reason

WAITING_MAX = 1_000  # Updates during one read of a few rows; older ones will be in the snapshot.


class AccountStream:
    """The order of things for one socket; `request` has a snapshot read, beginning after it.

    It is told for whom: a stream that held who holds it would stay until a full collection.
    """

    __slots__ = ("_request", "_send", "_sequence", "_waiting")

    def __init__(
        self,
        send: Callable[[bytes], None],
        request: Callable[["AccountStream", Reason], None],
    ) -> None:
        self._send = send
        self._request = request
        self._sequence: int | None = None  # The last one passed on; None while a snapshot is due.
        self._waiting: deque[tuple[int, bytes]] | None = None

    def start(self, reason: Reason = "") -> None:
        """Forget the position: a new snapshot comes before anything else."""
        self._sequence = None
        self._waiting = None
        self._request(self, reason)

    def resume(self, after_sequence: int, missed: Iterable[tuple[int, bytes]]) -> None:
        """Go on after that sequence, with these updates to begin with."""
        self._sequence = after_sequence
        for sequence, data in missed:
            self.update(sequence, data)

    def update(self, sequence: int, data: bytes) -> None:
        """Take the account's update of that sequence."""
        if self._sequence is None:
            self._wait(sequence, data)
        elif sequence == self._sequence + 1:
            self._sequence = sequence
            self._send(data)
        elif sequence > self._sequence:
            self.start("resync")
            self._wait(sequence, data)

    def snapshot(self, sequence: int, data: bytes) -> None:
        """Take the requested snapshot, and after it the updates that waited for it."""
        if self._sequence is not None:
            return
        later = [item for item in self._waiting or () if item[0] > sequence]
        if any(item[0] != sequence + 1 + place for place, item in enumerate(later)):
            self._request(self, "resync")
            return
        self._waiting = None
        self._sequence = sequence + len(later)
        self._send(data)
        for _, update in later:
            self._send(update)

    def _wait(self, sequence: int, data: bytes) -> None:
        if self._waiting is None:
            self._waiting = deque(maxlen=WAITING_MAX)
        self._waiting.append((sequence, data))
