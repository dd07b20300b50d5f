"""The accounts that anybody listens to, and whose snapshots somebody has to read.

The rule of this file: an account's updates go to every socket of it, once and in order; who is on
which account is decided elsewhere, by tokens. What was sent is kept for a while, so that a socket
that was cut off can go on where it was.
"""

from collections import Counter
from collections.abc import Callable, KeysView
from typing import Protocol, TypeVar

from broadcaster.channels.account_ring import AccountRings, Update
from shared.feed import Reason

ACCOUNT_CHANNEL = "account"  # One name for everybody: whose it is, the token says.

T = TypeVar("T")

Snapshot = Callable[[Reason], bytes]


class AccountListener(Protocol):
    """What an account asks of a client; none of it waits."""

    def start(self, reason: Reason) -> None:
        """What was sent may have a hole: ask for a snapshot."""

    def update(self, sequence: int, data: bytes) -> None:
        """Take an update of the account."""

    def snapshot(self, sequence: int, data: bytes) -> None:
        """Take a snapshot that was asked for, and that was read after it was asked for."""


class Accounts:
    """The accounts that anybody listens to, and whose snapshots somebody has to read."""

    def __init__(self) -> None:
        self.listeners: dict[int, dict[AccountListener, None]] = {}
        self.connections: Counter[int] = Counter()  # Authenticated ones, listening or not.
        self.on_request: Callable[[], None] = _nobody_reads
        # Accounts in order of request.
        self._requests: dict[int, dict[AccountListener, Reason]] = {}
        self._rings = AccountRings()

    @property
    def followed(self) -> KeysView[int]:
        """The accounts whose updates are to be published: anybody listens, or did just now."""
        return self._rings.account_ids

    def join(self, account_id: int, listener: AccountListener) -> None:
        """Give the listener every update from now on; its snapshot has to be requested."""
        self.listeners.setdefault(account_id, {})[listener] = None
        self._rings.follow(account_id)

    def missed(self, account_id: int, after_sequence: int) -> list[Update] | None:
        """Return what a listener that has joined missed; None: it has to request a snapshot."""
        return self._rings.follow(account_id).after(after_sequence)

    def leave(self, account_id: int, listener: AccountListener) -> None:
        """Give the listener nothing more."""
        _discard(self.listeners, account_id, listener)
        _discard(self._requests, account_id, listener)

    def publish(self, account_id: int, sequence: int, data: bytes) -> None:
        """Give an update to all sockets that listen to the account."""
        self._rings.add(account_id, sequence, data)
        # A copy: a listener whose client is too slow leaves meanwhile.
        for listener in tuple(self.listeners.get(account_id, ())):
            listener.update(sequence, data)

    def request_snapshot(self, account_id: int, listener: AccountListener, reason: Reason) -> None:
        """Have a snapshot read for the listener; a read that has begun already does not count."""
        self._requests.setdefault(account_id, {})[listener] = reason
        self.on_request()

    def request_again(self, account_id: int, asked: dict[AccountListener, Reason]) -> None:
        """Put back a request that could not be answered, for those who still wait on it."""
        for listener, reason in asked.items():
            asked_since = listener in self._requests.get(account_id, ())
            if listener in self.listeners.get(account_id, ()) and not asked_since:
                self.request_snapshot(account_id, listener, reason)

    def take_request(self) -> tuple[int, dict[AccountListener, Reason]] | None:
        """Return the account to read next and who asked; None when nobody did."""
        if not self._requests:
            return None
        account_id = next(iter(self._requests))
        return account_id, self._requests.pop(account_id)

    def answer(
        self,
        account_id: int,
        asked: dict[AccountListener, Reason],
        sequence: int,
        snapshot: Snapshot,
    ) -> None:
        """Give the snapshot to those who asked, are still there, and have not asked again since."""
        encoded: dict[Reason, bytes] = {}
        for listener, reason in asked.items():
            again = listener in self._requests.get(account_id, ())
            if listener in self.listeners.get(account_id, ()) and not again:
                if reason not in encoded:
                    encoded[reason] = snapshot(reason)
                # It has listened since before the read: what came after that is in the ring.
                self._rings.follow(account_id).begin(sequence)
                listener.snapshot(sequence, encoded[reason])

    def resync(self) -> None:
        """Have every listener start again with a snapshot."""
        self._rings.restart(self.listeners)
        for listeners in self.listeners.values():
            for listener in listeners:
                listener.start("resync")

    def tick(self, now_ns: int) -> None:
        """Forget what nobody has come back for; call it every second or so."""
        self._rings.tick(now_ns, self.listeners)


def _nobody_reads() -> None:
    """The default: accounts without a reader, as in pure tests."""


def _discard(
    table: dict[int, dict[AccountListener, T]], account_id: int, listener: AccountListener
) -> None:
    listeners = table.get(account_id, {})
    listeners.pop(listener, None)
    if not listeners:
        table.pop(account_id, None)
