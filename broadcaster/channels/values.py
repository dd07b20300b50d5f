"""Channels that show one value, which the next one replaces.

The rule of this file: the latest is what counts. A view with an interval leaves out what came in
between; the numbers tell.
"""

from typing import Generic, Protocol, TypeVar

import msgspec

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import encode
from broadcaster.channels.topic import AT_ONCE, Topic, View, Wish
from shared.feed import Reason

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class ValueForm(Protocol[T_contra]):
    """How a value reads on its channel."""

    def __call__(
        self, channel: str, sequence: int, value: T_contra, reason: Reason
    ) -> msgspec.Struct:
        """Return the message that says the value."""


class _Said(Generic[T]):
    """One value and its messages, each made once for all who are sent it."""

    def __init__(self, topic: "ValueTopic[T]", sequence: int, value: T) -> None:
        self._topic = topic
        self.sequence = sequence
        self._value = value
        self._frames: dict[Reason, bytes] = {}

    def frame(self, reason: Reason) -> bytes:
        if reason not in self._frames:
            topic = self._topic
            message = topic.form(topic.name, self.sequence, self._value, reason)
            self._frames[reason] = encode(message)
        return self._frames[reason]


class ValueTopic(Topic, Generic[T]):
    """Shows a value: first `load` and then `begin`, and `set` from then on."""

    def __init__(
        self, name: str, cadence: Cadence, form: ValueForm[T], *, default: Wish = AT_ONCE
    ) -> None:
        super().__init__(name, cadence, default)
        self.form = form
        self.now: _Said[T] | None = None

    def load(self, sequence: int, value: T) -> None:
        """Replace the value, whatever was before."""
        self.now = _Said(self, sequence, value)

    def set(self, sequence: int, value: T) -> None:
        """Replace the value by the next one and say so; `sequence` is above the one before."""
        assert self.now is None or sequence > self.now.sequence, "a value's numbers grow"
        self.load(sequence, value)
        self.flush()

    def new_view(self, wish: Wish) -> View:
        return ValueView(self, wish)


class ValueView(View, Generic[T]):
    """The value as it was when the view last spoke."""

    def __init__(self, topic: ValueTopic[T], wish: Wish) -> None:
        super().__init__(topic, wish)
        self._channel = topic
        self.stand()

    def stand(self) -> None:
        self._said = self._channel.now

    def snapshot(self, reason: Reason) -> bytes:
        assert self._said is not None, "what is not loaded is shown to nobody"
        return self._said.frame(reason)

    def can_resume(self, after_sequence: int) -> bool:
        return self._said is not None and after_sequence == self._said.sequence

    def resume(self, after_sequence: int) -> list[bytes] | None:
        said = self._said
        return [] if said is not None and said.sequence == after_sequence else None

    def flush(self) -> None:
        now = self._channel.now
        if now is not None and now is not self._said:
            self.stand()
            self.publish(now.frame(""))
