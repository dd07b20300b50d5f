"""Which commands were carried out lately, by account and idempotency key.

The rule of this file: it forgets oldest first, in journal order, by journal time and by count, and
nothing else makes it forget. So it is the same after any restart and in any batches.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from shared.messages import Command

# After a quiet day a million keys are over at once; a thousand with a command keep commits small.
FORGOTTEN_PER_COMMAND_MAX = 1_000

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
        # With the entry's number, because a key may be used anew before its first use is dropped.
        self._oldest_first: deque[tuple[AccountKey, int]] = deque()
        self.added: dict[AccountKey, tuple[int, bytes]] = {}
        self.forgotten: dict[AccountKey, None] = {}

    def get(self, account_key: AccountKey, now_ns: int) -> Memory | None:
        """Return the first use of a key within the window that ends now."""
        memory = self._memories.get(account_key)
        return memory if memory is None or memory.at_ns >= now_ns - self.window_ns else None

    def remember(self, account_key: AccountKey, memory: Memory) -> None:
        """Remember the first use of a key, and forget the oldest keys beyond the limit."""
        self.restore(account_key, memory)
        self.added[account_key] = memory.n, memory.fingerprint
        self.forgotten.pop(account_key, None)
        self._forget_while(lambda _memory: len(self._memories) > self.keys_max)

    def restore(self, account_key: AccountKey, memory: Memory) -> None:
        """Remember again what was already drained; call it oldest first."""
        self._memories[account_key] = memory
        self._oldest_first.append((account_key, memory.n))

    def forget(self, now_ns: int) -> None:
        """Forget keys that were first used longer ago than the window, the oldest first."""
        oldest_ns = now_ns - self.window_ns
        self._forget_while(lambda memory: memory.at_ns < oldest_ns)

    def remembered(self) -> list[tuple[AccountKey, Memory]]:
        """Return all, oldest first."""
        return sorted(self._memories.items(), key=lambda item: item[1].n)

    def _forget_while(self, is_over: Callable[[Memory], bool]) -> None:
        memories, oldest_first, left = self._memories, self._oldest_first, FORGOTTEN_PER_COMMAND_MAX
        while oldest_first and left:
            account_key, n = oldest_first[0]
            memory = memories.get(account_key)
            if memory is not None and memory.n == n:
                if not is_over(memory):
                    return
                del memories[account_key]
                self.added.pop(account_key, None)
                self.forgotten[account_key] = None
                left -= 1
            oldest_first.popleft()
