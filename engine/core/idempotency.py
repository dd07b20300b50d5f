"""Which commands were carried out lately, by account and idempotency key.

The rule of this file: it forgets oldest first, in journal order, by journal time and by count, and
nothing else makes it forget. So it is the same after any restart and in any batches.
"""

import hashlib
from collections import deque
from collections.abc import Callable

import msgspec
from msgspec import Struct

from shared.messages import Command

# After a quiet day a million keys are over at once; a thousand with a command keep commits small.
FORGOTTEN_PER_COMMAND_MAX = 1_000

AccountKey = tuple[int, str]


class Memory(Struct, frozen=True, gc=False):
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
        # With the memory itself, because a key may be used anew before its first use is dropped.
        self._oldest_first: deque[tuple[AccountKey, Memory]] = deque()
        self.added: dict[AccountKey, tuple[int, bytes]] = {}
        self.forgotten: dict[AccountKey, None] = {}

    def __len__(self) -> int:
        return len(self._memories)

    def find(self, account_key: AccountKey) -> Memory | None:
        """Return the first use of a key, also one that is over and not forgotten yet."""
        return self._memories.get(account_key)

    def remember(self, account_key: AccountKey, memory: Memory) -> Memory | None:
        """Remember the use of a key, or return its first one within the window that ends then.

        The oldest keys beyond the limit are forgotten.
        """
        first = self._memories.get(account_key)
        if first is not None and first.at_ns >= memory.at_ns - self.window_ns:
            return first
        self._memories[account_key] = memory
        self._oldest_first.append((account_key, memory))
        self.added[account_key] = memory.n, memory.fingerprint
        if self.forgotten:
            self.forgotten.pop(account_key, None)
        if len(self._memories) > self.keys_max:
            self._forget_while(lambda _memory: len(self._memories) > self.keys_max)
        return None

    def restore(self, account_key: AccountKey, memory: Memory) -> None:
        """Remember again what was already drained; call it oldest first."""
        self._memories[account_key] = memory
        self._oldest_first.append((account_key, memory))

    def forget(self, now_ns: int) -> None:
        """Forget keys that were first used longer ago than the window, the oldest first."""
        oldest_ns = now_ns - self.window_ns
        if self._oldest_first and self._oldest_first[0][1].at_ns < oldest_ns:
            self._forget_while(lambda memory: memory.at_ns < oldest_ns)

    def remembered(self) -> list[tuple[AccountKey, Memory]]:
        """Return all, oldest first."""
        return sorted(self._memories.items(), key=lambda item: item[1].n)

    def _forget_while(self, is_over: Callable[[Memory], bool]) -> None:
        memories, oldest_first, left = self._memories, self._oldest_first, FORGOTTEN_PER_COMMAND_MAX
        while oldest_first and left:
            account_key, memory = oldest_first[0]
            if memories.get(account_key) is memory:
                if not is_over(memory):
                    return
                del memories[account_key]
                self.added.pop(account_key, None)
                self.forgotten[account_key] = None
                left -= 1
            oldest_first.popleft()
