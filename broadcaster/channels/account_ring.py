"""An account's latest updates, for sockets that come back after a short interruption.

The rule of this file: a ring has what every socket of the account was sent, the very bytes, and no
hole: every update after `kept_after` is here or still to come.
"""

from collections import deque
from collections.abc import Collection, Container, KeysView
from itertools import islice

KEPT_S = 60  # After the last socket left: a client reconnects within seconds or starts afresh.
KEPT_BYTES_MAX = 64 << 20  # Of all accounts together; where nothing is kept, a snapshot is read.
KEPT_ACCOUNTS_MAX = 20_000  # Without sockets: more than all connections, cut off at once.
# What a busy account does in some seconds; an ordinary one in a day. A snapshot says more in less.
RING_UPDATES_MAX = 1_000
RING_BYTES_MAX = 256 << 10

NS_PER_S = 1_000_000_000

Update = tuple[int, bytes]  # Its sequence in the account, and the frame.


class AccountRing:
    """The latest updates of one account; it begins to know its place with the first of them."""

    __slots__ = ("_updates", "idle_since_ns", "kept_after", "size_bytes")

    def __init__(self) -> None:
        self._updates: deque[Update] | None = None  # Most accounts are quiet.
        self.kept_after: int | None = None
        self.size_bytes = 0
        self.idle_since_ns: int | None = None  # When it was first seen that nobody listens.

    @property
    def last_sequence(self) -> int | None:
        """The sequence up to which everything is known; None when nothing is."""
        return self._updates[-1][0] if self._updates else self.kept_after

    def add(self, sequence: int, frame: bytes) -> None:
        """Take an update; one that is known already changes nothing."""
        last = self._updates[-1][0] if self._updates else None
        if last is not None and sequence <= last:
            return
        if self._updates is None:
            self._updates = deque()
        if last is None or sequence != last + 1:
            self._updates.clear()
            self.size_bytes, self.kept_after = 0, sequence - 1
        self._updates.append((sequence, frame))
        self.size_bytes += len(frame)
        while len(self._updates) > RING_UPDATES_MAX or self.size_bytes > RING_BYTES_MAX:
            self.kept_after, oldest = self._updates.popleft()
            self.size_bytes -= len(oldest)

    def begin(self, sequence: int) -> None:
        """Note that every update after `sequence` is here or to come, if nothing is known yet."""
        if self.kept_after is None:
            self.kept_after = sequence

    def after(self, sequence: int) -> list[Update] | None:
        """Return the updates after that one; None when some of them are not here, or when it is
        one that this ring has not seen yet.
        """
        last = self.last_sequence
        if self.kept_after is None or last is None or not self.kept_after <= sequence <= last:
            return None
        return list(islice(self._updates or (), sequence - self.kept_after, None))

    def forget_updates(self) -> None:
        """Make room, and still know the place."""
        self.kept_after = self.last_sequence
        self.size_bytes = 0
        self._updates = None


class AccountRings:
    """The rings of all accounts that are followed: somebody listens, or did just now."""

    def __init__(self, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._rings: dict[int, AccountRing] = {}
        self.size_bytes = 0

    @property
    def account_ids(self) -> KeysView[int]:
        return self._rings.keys()

    def follow(self, account_id: int) -> AccountRing:
        """Return the account's ring, a new one where there is none: somebody listens."""
        ring = self._rings.setdefault(account_id, AccountRing())
        ring.idle_since_ns = None
        return ring

    def add(self, account_id: int, sequence: int, frame: bytes) -> None:
        """Keep an update of an account that is followed."""
        ring = self._rings.get(account_id)
        if ring is None:
            return
        self.size_bytes -= ring.size_bytes
        ring.add(sequence, frame)
        self.size_bytes += ring.size_bytes
        while self.size_bytes > self._bytes_max:
            self._make_room()

    def restart(self, account_ids: Collection[int]) -> None:
        """Know nothing any more, and follow these."""
        self._rings = {account_id: AccountRing() for account_id in account_ids}
        self.size_bytes = 0

    def tick(self, now_ns: int, listened: Container[int]) -> None:
        """Forget accounts that nobody listens to for too long; call it every second or so."""
        idle = [item for item in self._rings.items() if item[0] not in listened]
        for place, (account_id, ring) in enumerate(idle):
            if ring.idle_since_ns is None:
                ring.idle_since_ns = now_ns
            is_over = now_ns - ring.idle_since_ns >= KEPT_S * NS_PER_S
            if is_over or len(idle) - place > KEPT_ACCOUNTS_MAX:
                del self._rings[account_id]
                self.size_bytes -= ring.size_bytes

    def _make_room(self) -> None:
        # The first forgets and becomes the last, so each has its turn.
        account_id = next(iter(self._rings))
        ring = self._rings[account_id] = self._rings.pop(account_id)
        self.size_bytes -= ring.size_bytes
        ring.forget_updates()
