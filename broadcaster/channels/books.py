"""Channels that show a book: the full one or the best levels, at once or at intervals.

The rule of this file: every view is one chain. Its snapshot is the book at the sequence where the
view stands, its next delta begins right after that, and the checksum of each message is of the
book that a client then holds.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import encode
from broadcaster.channels.levels import Changed, LevelBook, LevelChange
from broadcaster.channels.packed import as_levels
from broadcaster.channels.place import SidePlace
from broadcaster.channels.topic import AT_ONCE, Topic, View, Wish
from shared.feed import Level, Reason

# Levels that a view keeps as they were before its next beat; with more it does not wait for it.
# A minute of a busy market; some 1 MB for each view.
GATHERED_LEVELS_MAX = 10_000


class Picture(NamedTuple):
    """A book, or the best `levels` of it (0 is all)."""

    sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int
    levels: int
    info: bytes


class Step(NamedTuple):
    """What leads from one picture to a later one; `info` is empty where it has not changed."""

    first_sequence: int
    last_sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int
    info: bytes


class BookForm(Protocol):
    """How a book reads on its channel."""

    def snapshot(self, channel: str, picture: Picture, reason: Reason) -> msgspec.Struct:
        """Return the message that begins with a picture."""

    def delta(self, channel: str, step: Step) -> msgspec.Struct:
        """Return the message that leads to the next one."""


class BookTopic(Topic):
    """Shows a book.

    Who owns it alone calls `load` and then `begin`, and `change` from then on. Where several
    channels show one book, whoever changes it tells each by `gather`, before anybody can ask for a
    snapshot, and then by `flush`.
    """

    has_levels = True

    def __init__(
        self,
        name: str,
        cadence: Cadence,
        form: BookForm,
        *,
        book: LevelBook | None = None,
        default: Wish = AT_ONCE,
    ) -> None:
        super().__init__(name, cadence, default)
        self.form = form
        self.book = LevelBook() if book is None else book

    def new_view(self, wish: Wish) -> View:
        return BookView(self, wish)

    def change(
        self,
        last_sequence: int,
        at_ns: int,
        bids: Iterable[LevelChange],
        asks: Iterable[LevelChange],
        info: bytes | None = None,
    ) -> None:
        """Change the book and say so; `info` is None where it stays as it is."""
        changed = self.book.change(last_sequence, at_ns, bids, asks)
        if info is not None:
            self.book.info = info
        self.gather(changed)
        self.flush()

    def gather(self, changed: Changed) -> None:
        """Note a change that the book has taken over already."""
        for view in self.all_views():
            assert isinstance(view, BookView), "a book's views are of books"
            view.gather(changed)


class BookView(View):
    """The levels that its wish asks for: what enters and what leaves them is said as well as what
    changes among them. What has changed since the view last spoke is kept as it was, so that a
    newcomer is shown what the others hold.
    """

    def __init__(self, topic: BookTopic, wish: Wish) -> None:
        super().__init__(topic, wish)
        self._channel = topic
        self._snapshots: dict[Reason, bytes] = {}  # Of the place where it stands.
        self.stand()

    def stand(self) -> None:
        book, count = self._channel.book, self.wish.levels
        self.sequence, self._at_ns, self._info = book.sequence, book.at_ns, book.info
        self._bids, self._asks = SidePlace(book.bids, count), SidePlace(book.asks, count)
        self._crc32 = book.crc32(count)  # Now: later the book is another, and the place is not.
        self._snapshots.clear()
        self.is_full = False

    def gather(self, changed: Changed) -> None:
        """Note what the book has changed; what was changed before the view came is passed over."""
        if changed.last_sequence <= self.sequence:
            return
        self._bids.gather(changed.bids)
        self._asks.gather(changed.asks)
        # Not said here: what comes next may be in the book already, and was not noted yet.
        self.is_full = len(self._bids) + len(self._asks) > GATHERED_LEVELS_MAX

    def snapshot(self, reason: Reason) -> bytes:
        if reason not in self._snapshots:
            picture = Picture(
                self.sequence,
                self._at_ns,
                as_levels(self._bids.levels()),
                as_levels(self._asks.levels()),
                self._crc32,
                self.wish.levels,
                self._info,
            )
            message = self._channel.form.snapshot(self.name, picture, reason)
            self._snapshots[reason] = encode(message)
        return self._snapshots[reason]

    def flush(self) -> None:
        if self._channel.book.sequence == self.sequence:
            return
        first_sequence, info_before = self.sequence + 1, self._info
        bids, asks = self._bids.steps(), self._asks.steps()
        self.stand()
        step = Step(
            first_sequence,
            self.sequence,
            self._at_ns,
            as_levels(bids),
            as_levels(asks),
            self._crc32,
            self._info if self._info != info_before else b"",
        )
        self.publish(encode(self._channel.form.delta(self.name, step)))

    def can_resume(self, after_sequence: int) -> bool:
        # Of few levels the snapshot is as short, and right whichever levels the client holds.
        if self.wish.levels or after_sequence > self.sequence:
            return False
        book = self._channel.book
        return book.recent_bids.knows(after_sequence) and book.recent_asks.knows(after_sequence)

    def resume(self, after_sequence: int) -> list[bytes] | None:
        if not self.can_resume(after_sequence):
            return None
        if after_sequence == self.sequence:
            return []
        book = self._channel.book
        bids = book.recent_bids.since(after_sequence, len(book.bids))
        asks = book.recent_asks.since(after_sequence, len(book.asks))
        if bids is None or asks is None:
            return None
        step = Step(
            after_sequence + 1,
            self.sequence,
            self._at_ns,
            as_levels(self._bids.levels_of(bids)),
            as_levels(self._asks.levels_of(asks)),
            self._crc32,
            self._info,
        )
        return [encode(self._channel.form.delta(self.name, step))]
