"""Channels that show entries in order, of which none is left out: trades, signals.

The rule of this file: entries are numbered 1 apart. A view with an interval gathers them and says
them together; a snapshot has the latest, and says which number comes next.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import encode
from broadcaster.channels.topic import AT_ONCE, Topic, View, Wish
from shared.feed import Reason

SHOWN_ENTRIES_MAX = 50  # One screen of a list; the gateway has more.
KEPT_ENTRIES_MAX = 1_000  # What a client that comes back is told: minutes of a market, 200 KB.
GATHERED_ENTRIES_MAX = 500  # A view speaks early rather than gather more than a client queues.
GATHERED_BYTES_MAX = 256 * 1024
RESUMED_BYTES_MAX = 256 * 1024  # Well within what a client may be behind; then a snapshot.

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class LogForm(Protocol[T_contra]):
    """How entries read on their channel."""

    def entry(self, channel: str, sequence: int, entry: T_contra) -> msgspec.Struct:
        """Return the message that says one entry."""

    def snapshot(
        self, channel: str, sequence: int, entries: Iterable[T_contra], reason: Reason
    ) -> msgspec.Struct:
        """Return the message with the latest entries, newest first, up to `sequence`."""


class _Kept(NamedTuple, Generic[T]):
    entry: T
    sequence: int


class LogTopic(Topic, Generic[T]):
    """Shows the latest entries: first `load` and then `begin`, and `add` from then on."""

    def __init__(
        self, name: str, cadence: Cadence, form: LogForm[T], *, default: Wish = AT_ONCE
    ) -> None:
        super().__init__(name, cadence, default)
        self.form = form
        self.sequence = 0
        self._kept: deque[_Kept[T]] = deque(maxlen=KEPT_ENTRIES_MAX)

    def load(self, sequence: int, entries: Iterable[T]) -> None:
        """Replace everything: these, newest first, of which the first has this number."""
        self.sequence = sequence
        self._kept.clear()
        for number, entry in enumerate(islice(entries, KEPT_ENTRIES_MAX)):
            self._kept.appendleft(_Kept(entry, sequence - number))

    def add(self, entry: T) -> None:
        """Append the next entry and say so."""
        self.sequence += 1
        self._kept.append(_Kept(entry, self.sequence))
        views = self.all_views()
        if views:
            frame = self.frame(entry, self.sequence)
            for view in views:
                assert isinstance(view, LogView), "a log's views are of logs"
                view.gather(frame)
            self.flush()

    def frame(self, entry: T, sequence: int) -> bytes:
        """Return one entry as a message."""
        return encode(self.form.entry(self.name, sequence, entry))

    def latest(self, until_sequence: int) -> list[T]:
        """Return the entries to show, newest first."""
        entries = (kept.entry for kept in reversed(self._kept) if kept.sequence <= until_sequence)
        return list(islice(entries, SHOWN_ENTRIES_MAX))

    @property
    def kept_after(self) -> int:
        """Every entry after this number is kept."""
        return self._kept[0].sequence - 1 if self._kept else self.sequence

    def after(self, sequence: int, until_sequence: int) -> list[bytes] | None:
        """Return the entries in between as messages, oldest first; None if some are not kept, or
        if they are too much.
        """
        kept_after = self.kept_after
        if not kept_after <= sequence <= until_sequence:
            return None
        frames, size_bytes = [], 0
        for kept in islice(self._kept, sequence - kept_after, until_sequence - kept_after):
            frames.append(self.frame(kept.entry, kept.sequence))
            size_bytes += len(frames[-1])
            if size_bytes > RESUMED_BYTES_MAX:
                return None
        return frames

    def new_view(self, wish: Wish) -> View:
        return LogView(self, wish)


class LogView(View, Generic[T]):
    """The entries, each at once or several at a beat."""

    def __init__(self, topic: LogTopic[T], wish: Wish) -> None:
        super().__init__(topic, wish)
        self._channel = topic
        self.stand()

    def stand(self) -> None:
        self.sequence = self._channel.sequence
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self.is_full = False
        self._snapshots: dict[Reason, bytes] = {}  # Of the place where it stands.

    def gather(self, frame: bytes) -> None:
        """Take the next entry."""
        self._gathered.append(frame)
        self._gathered_bytes += len(frame)
        is_long = len(self._gathered) >= GATHERED_ENTRIES_MAX
        self.is_full = is_long or self._gathered_bytes >= GATHERED_BYTES_MAX

    def snapshot(self, reason: Reason) -> bytes:
        if reason not in self._snapshots:
            latest = self._channel.latest(self.sequence)
            message = self._channel.form.snapshot(self.name, self.sequence, latest, reason)
            self._snapshots[reason] = encode(message)
        return self._snapshots[reason]

    def can_resume(self, after_sequence: int) -> bool:
        return self._channel.kept_after <= after_sequence <= self.sequence

    def resume(self, after_sequence: int) -> list[bytes] | None:
        return self._channel.after(after_sequence, self.sequence)

    def flush(self) -> None:
        gathered, self._gathered, self._gathered_bytes = self._gathered, [], 0
        self.is_full = False
        for frame in gathered:
            self.sequence += 1
            self._snapshots.clear()
            self.publish(frame)
