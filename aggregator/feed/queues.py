"""Queues that say what becomes of what they cannot hold, and count it.

The rule of this file: pure, and nothing goes missing untold. What went in came out, was replaced
by something newer, was dropped, or is still there; `is_balanced` says so at any time.
"""

from collections import deque
from collections.abc import Hashable
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Policy(StrEnum):
    """What happens to one more than a queue can hold."""

    COALESCE = "coalesce"  # The newest of each kind replaces the one that waits.
    DROP_OLDEST = "drop_oldest"
    DISCONNECT = "disconnect"  # It is refused, and whoever sent it begins anew.


class QueueCounts(msgspec.Struct):
    """Since the queue was made."""

    policy: Policy
    capacity: int
    put: int = 0
    taken: int = 0
    coalesced: int = 0
    dropped: int = 0
    refused: int = 0  # Under DISCONNECT; they are in none of the others.
    waiting: int = 0
    waiting_max: int = 0  # The high-water mark.

    def add(self, other: "QueueCounts") -> None:
        """Count another queue's as well; the high-water mark is that of the fullest one."""
        self.put += other.put
        self.taken += other.taken
        self.coalesced += other.coalesced
        self.dropped += other.dropped
        self.refused += other.refused
        self.waiting += other.waiting
        self.waiting_max = max(self.waiting_max, other.waiting_max)

    @property
    def is_balanced(self) -> bool:
        return self.put == self.taken + self.coalesced + self.dropped + self.waiting


class BoundedQueue(Generic[T]):
    """First in, first out. With DISCONNECT a `put` too many is refused, with DROP_OLDEST the
    oldest makes room.
    """

    def __init__(self, capacity: int, policy: Policy) -> None:
        assert capacity > 0, "a queue holds at least one"
        assert policy is not Policy.COALESCE, "what is coalesced has a key"
        self.counts = QueueCounts(policy=policy, capacity=capacity)
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """Add one; False says that it was refused, and that its sender has to begin anew."""
        counts = self.counts
        waiting = len(self._items)
        if waiting >= counts.capacity:
            if counts.policy is Policy.DISCONNECT:
                counts.refused += 1
                return False
            self._items.popleft()
            counts.dropped += 1
            waiting -= 1
        self._items.append(item)
        counts.put += 1
        counts.waiting = waiting = waiting + 1
        if waiting > counts.waiting_max:
            counts.waiting_max = waiting
        return True

    def first(self) -> T:
        """Return the next one and leave it where it is; raises IndexError."""
        return self._items[0]

    def take(self) -> T:
        """Raises IndexError when there is none."""
        item = self._items.popleft()
        self.counts.taken += 1
        self.counts.waiting = len(self._items)
        return item

    def drop_all(self) -> int:
        """Give up what waits, counted as dropped, and return how many they were."""
        count = len(self._items)
        self._items.clear()
        self.counts.dropped += count
        self.counts.waiting = 0
        return count


class LatestQueue(Generic[K, T]):
    """One of each key, the newest; keys come out in the order in which they first went in.

    Its capacity is a number of keys; a new key too many takes the place of the oldest one.
    """

    def __init__(self, capacity: int) -> None:
        assert capacity > 0, "a queue holds at least one"
        self.counts = QueueCounts(policy=Policy.COALESCE, capacity=capacity)
        self._items: dict[K, T] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, key: K, item: T) -> None:
        counts = self.counts
        if key in self._items:
            counts.coalesced += 1
        elif len(self._items) >= counts.capacity:
            del self._items[next(iter(self._items))]
            counts.dropped += 1
        self._items[key] = item
        counts.put += 1
        counts.waiting = len(self._items)
        counts.waiting_max = max(counts.waiting_max, counts.waiting)

    def take(self) -> tuple[K, T]:
        """Raises KeyError when there is none."""
        if not self._items:
            raise KeyError("the queue is empty")
        key = next(iter(self._items))
        item = self._items.pop(key)
        self.counts.taken += 1
        self.counts.waiting = len(self._items)
        return key, item
