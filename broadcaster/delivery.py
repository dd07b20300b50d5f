"""What goes out to one client, and in which order.

The rule of this file: nothing here waits for the client. A reader that falls behind loses what is
queued of conflated channels and gets one fresh snapshot of each when it reads again; where nothing
may be lost, the connection ends instead.
"""

from collections.abc import Callable

import msgspec

from broadcaster.hub import Topic
from broadcaster.messages import Answer, Reason, Unsubscribed
from broadcaster.outbox import Outbox

_encode = msgspec.json.Encoder().encode


class Delivery:
    """The outgoing half of a connection; a `Subscriber` of the hub.

    `on_output` is called when there is something to send, `on_overflow` with a channel's name when
    the client is too slow for it and the channel cannot be conflated.
    """

    def __init__(
        self,
        on_output: Callable[[], None],
        on_overflow: Callable[[str], None],
        outbox: Outbox | None = None,
    ) -> None:
        self._on_output = on_output
        self._on_overflow = on_overflow
        self._outbox = Outbox() if outbox is None else outbox
        self._due: dict[str, Reason] = {}  # Channels whose snapshot comes before anything else.
        self._overflowed = False  # Once something is lost, nothing after it may be sent.
        self._ended = False
        self.topics: dict[str, Topic] = {}
        self.lagged_count = 0

    def next_message(self) -> bytes | None:
        """Return the bytes to send next, None when there is nothing.

        Snapshots that are due are made only now, so a slow reader gets the latest, once.
        """
        if self._overflowed:
            return None
        data = self._outbox.take()
        if data is None and self._due:
            name = next(iter(self._due))
            data = self.topics[name].snapshot(self._due.pop(name))
        return data

    def subscribe(self, topic: Topic) -> None:
        """Begin with the topic's snapshot, unless it is subscribed already."""
        if topic.name not in self.topics:
            self.topics[topic.name] = topic
            topic.subscribers[self] = None
            self._due[topic.name] = ""
            self._on_output()

    def unsubscribe(self, name: str) -> None:
        """Send nothing more of this channel than what is queued."""
        topic = self.topics.pop(name, None)
        if topic is not None:
            topic.subscribers.pop(self, None)
            self._due.pop(name, None)

    def close(self) -> None:
        """Leave every channel."""
        for name in list(self.topics):
            self.unsubscribe(name)

    def end(self, *forgotten: str) -> None:
        """Take nothing more; what is queued still goes out, except of the `forgotten` channels."""
        self._ended = True
        self._due.clear()
        if forgotten:
            self._outbox.drop(forgotten)

    def answer(self, answer: Answer) -> None:
        """Queue an answer to the client's own message."""
        self.send("", _encode(answer))

    def send(self, channel: str, data: bytes) -> None:
        """Queue a message that may not be lost."""
        if self._overflowed or self._ended:
            return
        if self._make_room(data):
            self._add(channel, data)
        else:
            self._overflowed = True
            self._on_overflow(channel)

    def deliver(self, topic: Topic, data: bytes) -> None:
        """Queue a message of a topic; one whose snapshot is due will be in the snapshot."""
        if topic.name in self._due or self._ended:
            return
        if not topic.conflated:
            self.send(topic.name, data)
        elif self._outbox.has_room_for(data, conflated=True):
            self._add(topic.name, data)
        else:
            self._lag(topic.name)
            self._make_room(data, conflated=True)

    def snapshot_due(self, topic: Topic, reason: Reason) -> None:
        if self._ended:
            return
        self._outbox.drop({topic.name})
        self._due[topic.name] = reason
        self._on_output()

    def topic_removed(self, topic: Topic) -> None:
        self.unsubscribe(topic.name)
        self.answer(Unsubscribed(None, [topic.name]))

    def _add(self, channel: str, data: bytes) -> None:
        self._outbox.add(channel, data)
        self._on_output()

    def _make_room(self, data: bytes, *, conflated: bool = False) -> bool:
        if not self._outbox.has_room_for(data, conflated=conflated):
            names = {name for name, topic in self.topics.items() if topic.conflated}
            for name in self._outbox.drop(names):
                self._lag(name)
        return self._outbox.has_room_for(data)

    def _lag(self, name: str) -> None:
        if name in self.topics and name not in self._due:
            self._due[name] = "lagged"
            self.lagged_count += 1
            self._on_output()
