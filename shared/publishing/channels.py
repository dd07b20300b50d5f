"""The channels of a producer: what is so now, and what has not been published yet.

The rule of this file: pure and bounded. A channel gathers what changes until the publisher takes
it; what is more than that may hold is left out in the way that its kind bears. A book is then
published as a whole, a value only as it is now (and as the last few final ones were), and of a log
the oldest entries are lost, which is counted, and which its consumers see from the numbers.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.publishing.messages import (
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    Level,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
)

PENDING_LEVELS_MAX = 2_000  # Of one side of a book; with more to say, the whole book is as short.
PENDING_ENTRIES_MAX = 10_000  # Of a log, some 2 MB: seconds of the busiest tape there is.
MESSAGE_ENTRIES_MAX = 500  # Some 100 KB: a consumer has other things to do in between.
PENDING_FINALS_MAX = 8  # Of a value: some seconds of the shortest candles, for thousands of them.
KEPT_ENTRIES_DEFAULT = 200  # What an image of a log reaches back: some seconds of a busy one.
BOOK_INTERVAL_MS_DEFAULT = 1_000  # An outside book changes more often than anybody can look.
BOOK_LEVELS_DEFAULT = 5


class BookNow(NamedTuple):
    """A whole book, in any order; `info` is JSON."""

    bids: Iterable[Level]
    asks: Iterable[Level]
    info: bytes = b""


class Flow(NamedTuple):
    """What became of what was said: put = taken + coalesced + dropped + waiting.

    `taken` was published by a message, or an entry, of its own; `coalesced` is what a later one
    stood for.
    """

    put: int = 0
    taken: int = 0
    coalesced: int = 0
    dropped: int = 0
    waiting: int = 0


class Channel(ABC):
    """What all kinds have; `sequence` is of the last change, `published` of the last taken."""

    kind: Kind

    def __init__(
        self, name: str, sequence: int, on_change: Callable[["Channel"], None], *, interval_ms: int
    ) -> None:
        self.name = name
        self.address = ""  # The Redis channel where it is published.
        self.sequence = self.published = sequence
        self.interval_ms = interval_ms
        self.levels = 0
        self.rank = 0  # Of what waits, the lower is published first.
        self.is_open = True
        self.image_at_s = float("-inf")  # When its last image was published.
        self._on_change = on_change
        self._is_waiting = False
        self._first = sequence
        self._taken = 0

    def state(self) -> ChannelState:
        """Return what a heartbeat says of it: as far as it is published."""
        return ChannelState(self.name, self.kind, self.published, self.interval_ms, self.levels)

    def flow(self) -> Flow:
        """Return what has become of all that was said since it was opened."""
        waiting = self.sequence - self.published
        put = self.sequence - self._first
        return Flow(put, self._taken, put - waiting - self._taken, 0, waiting)

    def take(self) -> list[Publication]:
        """Return what is to be published, oldest first, and forget it."""
        self._is_waiting = False
        taken = self._take()
        self._taken += len(taken)
        self.published = self.sequence
        return taken

    @abstractmethod
    def image(self) -> Publication | None:
        """Return the channel as it is now; None where there is nothing to show yet."""

    @abstractmethod
    def _take(self) -> list[Publication]:
        """Return what is to be published, oldest first."""

    def _changed(self) -> None:
        assert self.is_open, f"the channel {self.name} was closed"
        self.sequence += 1
        if not self._is_waiting:
            self._is_waiting = True
            self._on_change(self)


class BookChannel(Channel):
    """A book; `image` is called for all of it, and must know every change that was told."""

    kind = Kind.BOOK

    def __init__(
        self,
        name: str,
        sequence: int,
        on_change: Callable[[Channel], None],
        image: Callable[[], BookNow],
        *,
        interval_ms: int,
        levels: int,
    ) -> None:
        super().__init__(name, sequence, on_change, interval_ms=interval_ms)
        self.levels = levels
        self._make = image
        self._at_ns = 0
        self._info: bytes | None = None
        self._bids: dict[int, tuple[str, ...]] = {}
        self._asks: dict[int, tuple[str, ...]] = {}
        self._is_whole_due = False

    def change(
        self,
        at_ns: int,
        bids: Iterable[Level] = (),
        asks: Iterable[Level] = (),
        info: bytes | None = None,
    ) -> None:
        """Say that these levels are so now; no texts remove a level. `info` is JSON.

        Call it right after the book has changed: nothing may be published in between. Raises
        TypeError for what no broadcaster could read.
        """
        self._at_ns = at_ns
        if info is not None:
            _check_json(info)
        if not self._is_whole_due:
            self._bids.update(_checked_levels(bids))
            self._asks.update(_checked_levels(asks))
            if info is not None:
                self._info = info
            if max(len(self._bids), len(self._asks)) > PENDING_LEVELS_MAX:
                self.renew()
        self._changed()

    def renew(self) -> None:
        """Publish the book as a whole the next time; what else there was to say is in it."""
        self._is_whole_due = True
        self._bids, self._asks, self._info = {}, {}, None

    def image(self) -> BookImage:
        now = self._make()
        return BookImage(self.sequence, self._at_ns, tuple(now.bids), tuple(now.asks), now.info)

    def _take(self) -> list[Publication]:
        if self._is_whole_due:
            self._is_whole_due = False
            return [self.image()]
        if self.sequence == self.published:
            return []
        bids, asks, info = tuple(self._bids.items()), tuple(self._asks.items()), self._info
        self._bids, self._asks, self._info = {}, {}, None
        return [BookChange(self.published + 1, self.sequence, self._at_ns, bids, asks, info)]


class ValueChannel(Channel):
    """What is so now: only the latest counts."""

    kind = Kind.VALUE

    def __init__(
        self, name: str, sequence: int, on_change: Callable[[Channel], None], *, interval_ms: int
    ) -> None:
        super().__init__(name, sequence, on_change, interval_ms=interval_ms)
        self._at_ns = 0
        self._data = b""  # Nothing was said yet.
        self._finals: list[ValueNow] = []

    def set(self, at_ns: int, data: bytes, *, is_final: bool = False) -> None:
        """Say what is so now, in JSON; raises TypeError for what is no bytes.

        What `is_final` is published by a message of its own, even if the next value, about
        something else, follows at once.
        """
        _check_json(data)
        self._at_ns, self._data = at_ns, data
        self._changed()
        if is_final:
            self._finals.append(self._now())
            del self._finals[:-PENDING_FINALS_MAX]

    def image(self) -> ValueNow | None:
        return self._now() if self._data else None

    def _now(self) -> ValueNow:
        return ValueNow(self.sequence, self._at_ns, self._data)

    def _take(self) -> list[Publication]:
        finals = [each for each in self._finals if each.sequence < self.sequence]
        self._finals.clear()
        return [*finals, self._now()]


class LogChannel(Channel):
    """Entries in order; `kept` of them can be shown to who comes later, or has missed some."""

    kind = Kind.LOG

    def __init__(
        self,
        name: str,
        sequence: int,
        on_change: Callable[[Channel], None],
        *,
        interval_ms: int,
        kept: int,
    ) -> None:
        super().__init__(name, sequence, on_change, interval_ms=interval_ms)
        self.dropped = 0  # Entries that nobody was sent.
        self._kept: deque[LogEntry] = deque(maxlen=kept)
        self._pending: deque[LogEntry] = deque()

    def add(self, at_ns: int, data: bytes) -> None:
        """Say what comes next, in JSON; raises TypeError for what is no bytes."""
        _check_json(data)
        entry = LogEntry(at_ns, data)
        self._kept.append(entry)
        self._pending.append(entry)
        if len(self._pending) > PENDING_ENTRIES_MAX:
            self._pending.popleft()
            self.dropped += 1
        self._changed()

    def flow(self) -> Flow:
        put, waiting = self.sequence - self._first, len(self._pending)
        return Flow(put, put - self.dropped - waiting, 0, self.dropped, waiting)

    def image(self) -> LogImage:
        return LogImage(self.sequence, tuple(self._kept))

    def _take(self) -> list[Publication]:
        entries = tuple(self._pending)
        self._pending.clear()
        first = self.sequence - len(entries) + 1
        return [
            LogEntries(first + at, entries[at : at + MESSAGE_ENTRIES_MAX])
            for at in range(0, len(entries), MESSAGE_ENTRIES_MAX)
        ]


def _check_json(data: bytes) -> None:
    # A mistake is told to who makes it, and not to broadcasters, which could only drop it.
    if not isinstance(data, bytes):
        raise TypeError(f"JSON is published as bytes, not as {type(data).__name__}.")


def _checked_levels(levels: Iterable[Level]) -> Iterable[Level]:
    levels = tuple(levels)
    for key, texts in levels:
        if type(key) is not int:
            raise _no_level(key, texts)
        for text in texts:
            if type(text) is not str and not isinstance(text, str):
                raise _no_level(key, texts)
    return levels


def _no_level(key: object, texts: object) -> TypeError:
    return TypeError(f"A level is an integer and texts, not {(key, texts)!r:.100}.")
