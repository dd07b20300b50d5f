"""What a client makes of generic channels, without a socket: books, values and logs.

The rule of this file: it believes nothing that does not follow, and checks every checksum.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from broadcaster.channels.frames import payload_of
from broadcaster.channels.topic import Topic
from broadcaster.clients.delivery import Delivery
from shared.feed import book_crc32

Message = dict[str, Any]


@dataclass
class Shown:
    """One channel as it is on the screen."""

    sequence: int = -1
    bids: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    info: Any = None
    data: Any = None
    entries: list[Any] = field(default_factory=list)  # All that were said since the last snapshot.
    reasons: list[str] = field(default_factory=list)  # One for each snapshot, "" for an asked one.

    def take(self, message: Message) -> None:
        """Take over a message; what does not follow fails the test."""
        match message["type"]:
            case "value":
                assert message["sequence"] > self.sequence or message.get("reason"), message
                self.sequence, self.data = message["sequence"], message["data"]
            case "entry":
                assert message["sequence"] == self.sequence + 1, message
                self.sequence = message["sequence"]
                self.entries.append(message["data"])
            case "snapshot":
                self._begin(message)
            case "delta":
                assert message["first_sequence"] == self.sequence + 1, message
                self.sequence = message["last_sequence"]
                self.info = message.get("info", self.info)
                _change(self.bids, message["bids"])
                _change(self.asks, message["asks"])
        if "crc32" in message:
            assert message["crc32"] == book_crc32(*self.sides()), message

    def sides(self) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
        """Return the levels, best first; the prices of these tests are whole numbers."""
        bids = sorted(self.bids.values(), key=lambda level: -int(level[0]))
        return bids, sorted(self.asks.values(), key=lambda level: int(level[0]))

    def _begin(self, message: Message) -> None:
        self.reasons.append(message.get("reason", ""))
        assert message["sequence"] >= self.sequence, "what is shown never goes back"
        self.sequence = message["sequence"]
        if "entries" in message:
            self.entries = [entry["data"] for entry in reversed(message["entries"])]
            return
        self.bids, self.asks, self.info = {}, {}, message.get("info")
        _change(self.bids, message["bids"])
        _change(self.asks, message["asks"])


class Screen:
    """A client that subscribes at once and in full, and reads when told to."""

    def __init__(self, *topics: Topic, interval_ms: int = 0, levels: int = 0) -> None:
        self.shown: dict[str, Shown] = {}
        self.ended: list[str] = []  # Channels that ceased to exist.
        self._wish = (interval_ms, levels)
        self.delivery = Delivery(self, lambda: None)
        for topic in topics:
            self.subscribe(topic)

    def subscribe(self, topic: Topic) -> Shown:
        """Begin to look at a channel."""
        interval_ms, levels = self._wish
        wish = topic.wish(interval_ms, levels if topic.has_levels else None)
        self.delivery.subscribe(topic, wish)
        return self.shown.setdefault(topic.name, Shown())

    def read(self) -> list[Message]:
        """Take over everything that has come."""
        messages = []
        while (frame := self.delivery.next_message()) is not None:
            message: Message = msgspec.json.decode(payload_of(frame))
            messages.append(message)
            if "type" in message:
                self.shown[message["channel"]].take(message)
        return messages

    def too_slow(self, channel: str) -> None:
        raise AssertionError(f"public channels are conflated, and {channel!r} is one")

    def channel_removed(self, name: str) -> None:
        self.ended.append(name)


def _change(side: dict[str, tuple[str, ...]], levels: list[list[str]]) -> None:
    for price, *texts in levels:
        if texts == ["0"]:
            assert side.pop(price, None) is not None, f"{price} was not there"
        else:
            side[price] = (price, *texts)
