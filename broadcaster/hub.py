"""Who listens to what.

The rule of this file: it knows channels and subscribers, and nothing of markets or sockets. A
channel is switched on by whoever produces it, with a function that makes its snapshot; a message is
encoded once and the same bytes go to everybody.
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol, TypeVar

from broadcaster.messages import Reason

T = TypeVar("T")

Snapshot = Callable[[Reason], bytes]


class Subscriber(Protocol):
    """What a public channel asks of a client; none of it waits."""

    def deliver(self, topic: "Topic", data: bytes) -> None:
        """Take a message of a topic."""

    def snapshot_due(self, topic: "Topic", reason: Reason) -> None:
        """Take the topic's snapshot, made anew, before any other message of it."""

    def topic_removed(self, topic: "Topic") -> None:
        """The topic is no more."""


class AccountListener(Protocol):
    """What an account asks of a client; none of it waits."""

    def start(self, reason: Reason) -> None:
        """What was sent may have a hole: ask for a snapshot."""

    def update(self, sequence: int, data: bytes) -> None:
        """Take an update of the account."""

    def snapshot(self, sequence: int, data: bytes) -> None:
        """Take a snapshot that was asked for, and that was read after it was asked for."""


class Topic:
    """A public channel. `conflated`: its snapshot replaces everything sent before it."""

    def __init__(self, name: str, snapshot: Snapshot, *, conflated: bool) -> None:
        self.name = name
        self.snapshot = snapshot
        self.conflated = conflated
        self.subscribers: dict[Subscriber, None] = {}


class Hub:
    """The public channels of a venue."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self.unknown_codes: dict[str, str] = {}  # Channel prefix -> what to say of an unknown rest.
        self.ready = False  # Whether the channels show a venue; False until the first load.
        self.accounts = Accounts()

    def put_topic(self, name: str, snapshot: Snapshot, *, conflated: bool) -> None:
        """Switch a channel on, or give one that is on its new snapshot function."""
        topic = self.topics.get(name)
        if topic is None:
            self.topics[name] = Topic(name, snapshot, conflated=conflated)
        else:
            topic.snapshot = snapshot

    def remove_topic(self, name: str) -> None:
        """Switch a channel off and tell its subscribers."""
        topic = self.topics.pop(name)
        for subscriber in list(topic.subscribers):
            subscriber.topic_removed(topic)

    def unknown_code(self, name: str) -> str:
        """Return why there is no channel of this name."""
        return self.unknown_codes.get(name.partition(":")[0], "UNKNOWN_CHANNEL")

    def has_subscribers(self, name: str) -> bool:
        """Whether it is worth encoding a message of this channel."""
        topic = self.topics.get(name)
        return topic is not None and bool(topic.subscribers)

    def publish(self, name: str, data: bytes) -> None:
        """Give a message to everybody who subscribed the channel."""
        topic = self.topics[name]
        for subscriber in topic.subscribers:
            subscriber.deliver(topic, data)

    def resync(self) -> None:
        """The producer lost its place: everybody gets new snapshots before anything else."""
        for topic in self.topics.values():
            for subscriber in topic.subscribers:
                subscriber.snapshot_due(topic, "resync")
        self.accounts.resync()


class Accounts:
    """The accounts that anybody listens to, and whose snapshots somebody has to read."""

    def __init__(self) -> None:
        self.listeners: dict[int, dict[AccountListener, None]] = {}
        self.connections: Counter[int] = Counter()  # Authenticated ones, listening or not.
        self.on_request: Callable[[], None] = _nobody_reads
        self._requests: dict[
            int, dict[AccountListener, Reason]
        ] = {}  # Accounts in order of request.

    def join(self, account_id: int, listener: AccountListener) -> None:
        """Give the listener every update from now on; its snapshot has to be requested."""
        self.listeners.setdefault(account_id, {})[listener] = None

    def leave(self, account_id: int, listener: AccountListener) -> None:
        """Give the listener nothing more."""
        _discard(self.listeners, account_id, listener)
        _discard(self._requests, account_id, listener)

    def publish(self, account_id: int, sequence: int, data: bytes) -> None:
        """Give an update to all sockets that listen to the account."""
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
                listener.snapshot(sequence, encoded[reason])

    def resync(self) -> None:
        """Have every listener start again with a snapshot."""
        for listeners in self.listeners.values():
            for listener in listeners:
                listener.start("resync")


def _nobody_reads() -> None:
    """The default: accounts without a reader, as in pure tests."""


def _discard(
    table: dict[int, dict[AccountListener, T]], account_id: int, listener: AccountListener
) -> None:
    listeners = table.get(account_id, {})
    listeners.pop(listener, None)
    if not listeners:
        table.pop(account_id, None)
