"""Following a channel of another producer by its numbers.

The rule of this file: pure; nothing is shown that the producer has not said to be so. What was
missed is known from the next number, or from a heartbeat. From then on a book and a log stand still
until an image of the channel has come; a value is right whenever it is newer.

`is_behind` says that an image is wanted. A publication that comes twice, or late, changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from shared.feed import Reason
from shared.publishing.messages import (
    BookChange,
    BookImage,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
)

NOTHING = -1  # Below every sequence.
# Of both sides; no image is larger. A producer that forgets to remove levels is asked for one: it
# is smaller, or cannot be read, and the book stands still rather than grow for ever.
BOOK_LEVELS_MAX = 50_000


class BookSink(Protocol):
    """Who shows a book."""

    @property
    def level_count(self) -> int:
        """How many levels it has, on both sides."""

    def show(self, image: BookImage, reason: Reason) -> None:
        """Replace everything; all who see it begin anew."""

    def follow(self, change: BookChange) -> None:
        """Take over what comes next."""


class ValueSink(Protocol):
    """Who shows a value."""

    def show(self, value: ValueNow, reason: Reason) -> None:
        """Show the first one."""

    def follow(self, value: ValueNow) -> None:
        """Show the next one."""


class LogSink(Protocol):
    """Who shows a log."""

    def show(self, sequence: int, entries: Sequence[LogEntry], reason: Reason) -> None:
        """Replace everything by these, oldest first, of which the last has this number."""

    def follow(self, entry: LogEntry) -> None:
        """Take over the next entry."""


class Follower(ABC):
    """`sequence` is as far as is shown; `heard` is as far as the producer is known to be."""

    image_is_small = False  # So that any number of them may be on their way at once.

    def __init__(self) -> None:
        self.sequence = self.heard = NOTHING
        self.gap_count = 0

    @property
    def is_behind(self) -> bool:
        """Whether only an image can help."""
        return self.sequence == NOTHING or self.sequence < self.heard

    def forget(self) -> None:
        """Begin again with an image, whatever was shown."""
        self.sequence = self.heard = NOTHING

    def hear(self, sequence: int) -> None:
        """Know that the producer was there."""
        if sequence > self.heard:
            if self.sequence == self.heard != NOTHING:
                self.gap_count += 1
            self.heard = sequence

    @abstractmethod
    def take(self, said: Publication) -> None:
        """Take what was published on the channel; another kind's messages are passed over."""

    def _reach(self, sequence: int) -> None:
        self.sequence = sequence
        self.heard = max(self.heard, sequence)

    @property
    def _reason(self) -> Reason:
        return "" if self.sequence == NOTHING else "resync"


class BookFollower(Follower):
    """A change is taken over only where it follows what is shown."""

    def __init__(self, sink: BookSink) -> None:
        super().__init__()
        self._sink = sink

    def take(self, said: Publication) -> None:
        if isinstance(said, BookChange):
            self._take_change(said)
        elif isinstance(said, BookImage):
            self._take_image(said)

    def _take_image(self, said: BookImage) -> None:
        # One from before something that is known to have followed would be shown for nothing.
        if said.sequence > self.sequence and said.sequence >= self.heard:
            self._sink.show(said, self._reason)
            self._reach(said.sequence)

    def _take_change(self, said: BookChange) -> None:
        if self.sequence == NOTHING or said.first_sequence > self.sequence + 1:
            self.hear(said.last_sequence)
        elif said.last_sequence > self.sequence:
            # It may begin earlier, as levels say how things are and not by how much they change.
            self._sink.follow(said)
            self._reach(said.last_sequence)
            if self._sink.level_count > BOOK_LEVELS_MAX:
                self.sequence = NOTHING
                self.gap_count += 1


class ValueFollower(Follower):
    """Whatever is newer is taken over."""

    image_is_small = True

    def __init__(self, sink: ValueSink) -> None:
        super().__init__()
        self._sink = sink

    def take(self, said: Publication) -> None:
        if isinstance(said, ValueNow) and said.sequence > self.sequence:
            if self.sequence == NOTHING:
                self._sink.show(said, "")
            else:
                self._sink.follow(said)
            self._reach(said.sequence)


class LogFollower(Follower):
    """Entries are taken over one after the other; an image fills what is missing if it can."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def take(self, said: Publication) -> None:
        if isinstance(said, LogEntries):
            if self.sequence != NOTHING and said.first_sequence <= self.sequence + 1:
                self._add(said.first_sequence, said.entries)
            else:
                self.hear(said.first_sequence + len(said.entries) - 1)
        elif isinstance(said, LogImage):
            first_sequence = said.sequence - len(said.entries) + 1
            if self.sequence != NOTHING and first_sequence <= self.sequence + 1:
                self._add(first_sequence, said.entries)
            elif said.sequence >= self.heard:
                self._sink.show(said.sequence, said.entries, self._reason)
                self._reach(said.sequence)

    def _add(self, first_sequence: int, entries: Sequence[LogEntry]) -> None:
        for entry in entries[self.sequence + 1 - first_sequence :]:
            self._sink.follow(entry)
            self._reach(self.sequence + 1)
