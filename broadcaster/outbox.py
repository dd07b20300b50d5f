"""What waits to be sent to one client.

The rule of this file: it is bounded, and it never waits. When it is full, the caller decides what
to drop.
"""

from collections import deque
from collections.abc import Container

MESSAGES_MAX = 32_768  # One order may fill as many at once; each slot costs 100 bytes besides.
BYTES_MAX = 8 << 20  # 16,000 fills for their owner; a reader that is further behind is cut off.
LAG_MESSAGES_MAX = 1_024  # About 5 s of a busy market's deltas; later a snapshot is worth more.
LAG_BYTES_MAX = 1 << 20


class Outbox:
    """Encoded messages in the order they go out, each with its channel ("" for answers)."""

    def __init__(self, messages_max: int = MESSAGES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._messages: deque[tuple[str, bytes]] = deque()
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def has_room_for(self, data: bytes, *, conflated: bool = False) -> bool:
        """Whether `data` fits; a message larger than the limit fits an empty outbox.

        What a snapshot can replace gets less room: nobody wants to read long queues of old deltas.
        """
        if not self._messages:
            return True
        messages_max, bytes_max = self._messages_max, self._bytes_max
        if conflated:
            messages_max = min(messages_max, LAG_MESSAGES_MAX)
            bytes_max = min(bytes_max, LAG_BYTES_MAX)
        return self.size_bytes + len(data) <= bytes_max and len(self._messages) < messages_max

    def add(self, channel: str, data: bytes) -> None:
        """Append a message; the caller has seen that there is room."""
        self._messages.append((channel, data))
        self.size_bytes += len(data)

    def take(self) -> bytes | None:
        """Remove and return the oldest message, None when empty."""
        if not self._messages:
            return None
        _, data = self._messages.popleft()
        self.size_bytes -= len(data)
        return data

    def drop(self, channels: Container[str]) -> set[str]:
        """Forget all messages of these channels; return which of the channels had any."""
        kept: deque[tuple[str, bytes]] = deque()
        dropped: set[str] = set()
        for channel, data in self._messages:
            if channel in channels:
                dropped.add(channel)
                self.size_bytes -= len(data)
            else:
                kept.append((channel, data))
        self._messages = kept
        return dropped
