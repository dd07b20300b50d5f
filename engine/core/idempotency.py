"""Which commands were carried out lately, by account and idempotency key.

The rule of this file: it forgets oldest first, in journal order, by journal time and by count, and
nothing else makes it forget. So it is the same after any restart and in any batches.
"""

import hashlib
from collections import deque
from typing import NamedTuple

import msgspec

from shared.messages import Command

AccountKey = tuple[int, str]


class Memory(NamedTuple):
    """The first use of a key: its journal entry, when, and what was asked."""

    n: int
    at_ns: int
    fingerprint: bytes


def fingerprint_of(command: Command) -> bytes:
    """Return the fingerprint of a command that came without one, as the wire computes it."""
    return hashlib.blake2b(msgspec.msgpack.encode(command), digest_size=8).digest()


class IdempotencyWindow:
    """The remembered keys, and those added and forgotten since the last drain."""

    __slots__ = ("_memories", "_oldest_first", "added", "forgotten", "keys_max", "window_ns")

    def __init__(self, window_ns: int, keys_max: int) -> None:
        self.window_ns = window_ns
        self.keys_max = keys_max
        self._memories: dict[AccountKey, Memory] = {}
        self._oldest_first: deque[AccountKey] = deque()
        self.added: dict[AccountKey, tuple[int, bytes]] = {}
        self.forgotten: dict[AccountKey, None] = {}

    def get(self, account_key: AccountKey) -> Memory | None:
        return self._memories.get(account_key)

    def remember(self, account_key: AccountKey, memory: Memory) -> None:
        """Remember the first use of a key, and forget the oldest keys beyond the limit."""
        self.restore(account_key, memory)
        self.added[account_key] = memory.n, memory.fingerprint
        self.forgotten.pop(account_key, None)
        while len(self._memories) > self.keys_max:
            self._forget_oldest()

    def restore(self, account_key: AccountKey, memory: Memory) -> None:
        """Remember again what was already drained; call it oldest first."""
        self._memories[account_key] = memory
        self._oldest_first.append(account_key)

    def forget(self, now_ns: int) -> None:
        """Forget every key that was first used longer ago than the window."""
        oldest_ns, oldest_first = now_ns - self.window_ns, self._oldest_first
        while oldest_first and self._memories[oldest_first[0]].at_ns < oldest_ns:
            self._forget_oldest()

    def remembered(self) -> list[tuple[AccountKey, Memory]]:
        """Return all, oldest first."""
        return [(key, self._memories[key]) for key in self._oldest_first]

    def _forget_oldest(self) -> None:
        account_key = self._oldest_first.popleft()
        del self._memories[account_key]
        self.added.pop(account_key, None)
        self.forgotten[account_key] = None
