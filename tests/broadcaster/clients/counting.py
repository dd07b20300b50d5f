"""Channels for tests of clients: their state is a number, and their messages say it.

A snapshot says the number, an update the next one, and both say which view they are of.
"""

from typing import Any

import msgspec

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import payload_of, text_frame
from broadcaster.channels.topic import AT_ONCE, Topic, View, Wish
from broadcaster.clients.delivery import Delivery
from shared.feed import Reason


class Counter(Topic):
    """Counts when told to; every view says each number at once, whatever its interval."""

    def __init__(
        self,
        name: str,
        *,
        has_levels: bool = False,
        default: Wish = AT_ONCE,
        kept_after: int = 0,
        padding: str = "",
    ) -> None:
        super().__init__(name, Cadence(), default)
        self.has_levels = has_levels
        self.value = 0
        self.kept_after = kept_after
        self.padding = padding
        self.snapshots_made = self.resumes_made = 0

    def new_view(self, wish: Wish) -> View:
        return CounterView(self, wish)

    def can_resume(self, after_sequence: int) -> bool:
        return self.kept_after <= after_sequence <= self.value

    def count(self, times: int = 1) -> None:
        for _ in range(times):
            self.value += 1
            for view in self.all_views():
                assert isinstance(view, CounterView), "a counter's views are of counters"
                view.say(self.value)


class CounterView(View):
    def __init__(self, topic: Counter, wish: Wish) -> None:
        super().__init__(topic, wish)
        self._channel = topic

    def snapshot(self, reason: Reason) -> bytes:
        self._channel.snapshots_made += 1
        return self._frame("snapshot", self._channel.value, reason)

    def can_resume(self, after_sequence: int) -> bool:
        return self._channel.can_resume(after_sequence)

    def resume(self, after_sequence: int) -> list[bytes] | None:
        self._channel.resumes_made += 1
        if not self._channel.can_resume(after_sequence):
            return None
        return [
            self._frame("update", value)
            for value in range(after_sequence + 1, self._channel.value + 1)
        ]

    def flush(self) -> None:
        pass

    def stand(self) -> None:
        pass

    def say(self, value: int) -> None:
        self.publish(self._frame("update", value))

    def _frame(self, kind: str, value: int, reason: Reason = "") -> bytes:
        message = {
            "type": kind,
            "channel": self.name,
            "value": value,
            "reason": reason,
            "wish": list(self.wish),
            "padding": self._channel.padding,
        }
        return text_frame(msgspec.json.encode(message))


def read(delivery: Delivery, bytes_max: int = 1 << 30) -> list[dict[str, Any]]:
    """Return everything there is to read."""
    messages = []
    while frames := delivery.take(bytes_max):
        messages += [msgspec.json.decode(payload_of(frame)) for frame in frames]
    return messages


def said(message: dict[str, Any]) -> str:
    """Return a counter's message in short: `depth=5lagged` or `depth+6`; others as they are."""
    match message:
        case {"type": "snapshot"}:
            return f"{message['channel']}={message['value']}{message['reason']}"
        case {"type": "update"}:
            return f"{message['channel']}+{message['value']}"
    return msgspec.json.encode(message).decode()
