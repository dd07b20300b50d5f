"""The last minutes of one feed, kept so that a replay of them begins with whole books.

The rule of this file: what was heard is kept in laps. A lap begins with how things stood then: the
open connections with what was sent on them, and the books that were live. The oldest laps are let
go, so that what is left always begins at the beginning of one. A lap with books begins only when
the desk has seen all that was heard: otherwise what it has not seen would be missing between.

Nothing lies about unpacked for long: copies of books are packed as soon as they are made, and rows
piece by piece.
"""

import lzma
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.books.desk import Desk
from aggregator.books.words import BookState
from aggregator.captures.checkpoints import PackedBook, copy_book
from aggregator.captures.rows import HEARD_BYTES, Heard, RowKind, encode_row
from aggregator.protocol import NS_A_S

# Compressed: a minute or two of nine busy books, and the first snapshots of the largest feeds.
RING_BYTES_MAX = 2 << 20
LAP_NS_MAX = 30 * NS_A_S  # A bundle begins so near to what is wanted.
# Of rows, before they are packed to a fifth. The books at the beginning of a lap have some 100 KB
# packed, so they are not most of what is kept.
LAP_BYTES_MAX = 2 << 20
PIECE_BYTES = 96 << 10  # Rows in memory until they are packed together.
# The desk has not been up to date once in so much: the next lap begins without books.
LAP_BYTES_HARD_MAX = 16 << 20
RING_NS_MAX = 300 * NS_A_S  # What is wrong shows within seconds; older rows explain nothing.
SENT_MAX = 200  # Of one connection: its subscriptions. Pings are the same text again.
# Laps are packed all the time and bundles hardly ever: the first costs a third of the time of the
# second, some 7 ms a megabyte, and makes a lap a fifth to a half larger.
ZLIB_LEVEL = 4
XZ_PRESET = 1

# What packs one book as it stood, in another thread.
Standing = Callable[[], PackedBook]


@dataclass
class Head:
    """An open connection: how it began, and what was sent on it."""

    connect: Heard
    sent: list[Heard] = field(default_factory=list)
    frames: int = 0

    def take(self, heard: Heard) -> None:
        if len(self.sent) < SENT_MAX and all(heard.data != other.data for other in self.sent):
            self.sent.append(heard)

    def rows(self) -> list[Heard]:
        return [self.connect, *self.sent]


class Stood(NamedTuple):
    """How things stood at the beginning of a lap; lines are made of it only when it is wanted."""

    heads: list[Heard]
    books: list[PackedBook]

    @property
    def size(self) -> int:
        return sum(head.size for head in self.heads) + sum(len(one.levels) for one in self.books)

    def lines(self) -> bytes:
        """Return the rows; it takes milliseconds a book."""
        heads = [encode_row(heard.as_row()) for heard in self.heads]
        return b"".join([*heads, *(book.line() for book in self.books)])


class Lap:
    """Some seconds, compressed: how things stood, which is needed only of the oldest lap, and what
    was heard since. `size` is that of what was heard, before it was packed.
    """

    def __init__(
        self, executor: Executor, began_ns: int, heads: list[Heard], books: list[Standing]
    ) -> None:
        self.began_ns = began_ns
        self.size = 0
        self._executor = executor
        self.stood = executor.submit(stand, heads, books)
        self._pieces: list[Future[bytes]] = []
        self._heard: list[Heard] = []
        self._heard_bytes = 0

    def take(self, heard: Heard) -> None:
        size = HEARD_BYTES + len(heard.data)
        self._heard.append(heard)
        self._heard_bytes += size
        self.size += size
        if self._heard_bytes >= PIECE_BYTES:
            self.seal()

    def seal(self) -> None:
        """Have packed what was heard so far."""
        if self._heard:
            self._pieces.append(self._executor.submit(pack, self._heard))
            self._heard, self._heard_bytes = [], 0

    @property
    def packed_bytes(self) -> int:
        done = (one.result() for one in self._pieces if one.done() and not one.cancelled())
        stood = self.stood.result().size if self.stood.done() and not self.stood.cancelled() else 0
        return stood + sum(map(len, done))

    def pieces(self) -> list[Future[bytes]]:
        """Return all that was heard, packed; the last ones may be in work."""
        self.seal()
        return list(self._pieces)


class Ring:
    """Of one feed. `take` is called on the loop and only puts aside; `executor` compresses.

    The first lap is shorter by `ahead_ns`: the books of several feeds are not copied all at once.
    """

    def __init__(
        self,
        desk: Desk,
        executor: Executor,
        *,
        bytes_max: int = RING_BYTES_MAX,
        ahead_ns: int = 0,
    ) -> None:
        self._desk = desk
        self._executor = executor
        self._bytes_max = bytes_max
        self._ahead_ns = ahead_ns
        self._due_ns = 0  # When the next lap begins.
        self._heads: dict[int, Head] = {}
        self._laps: deque[Lap] = deque()  # Those that are over.
        self._lap: Lap | None = None

    @property
    def is_empty(self) -> bool:
        return self._lap is None

    @property
    def packed_bytes(self) -> int:
        """Bytes of all that is packed, also of the lap that goes on."""
        return self.size + (self._lap.packed_bytes if self._lap is not None else 0)

    @property
    def size(self) -> int:
        """Bytes of the laps that are over."""
        return sum(lap.packed_bytes for lap in self._laps)

    def take(self, heard: Heard) -> None:
        """Keep what was heard, before the desk hears of it."""
        lap = self._lap
        if lap is None:
            lap = self._begin(heard.at_ns, [])
        elif lap.size >= LAP_BYTES_MAX or heard.at_ns >= self._due_ns:
            if self._is_settled():
                lap = self._begin(heard.at_ns, self._books(heard.at_ns))
            elif lap.size >= LAP_BYTES_HARD_MAX:
                lap = self._begin(heard.at_ns, [])
        head = self._heads.get(heard.connection) if heard.kind == RowKind.RECV else None
        if head is not None:
            head.frames += 1
        elif heard.kind not in (RowKind.RECV, RowKind.HTTP):
            self._note(heard)
        lap.take(heard)

    def rows(self) -> Callable[[], bytes]:
        """Return what gives all that is kept, as lines in .xz; call that in another thread."""
        laps = [*self._laps, *([self._lap] if self._lap is not None else [])]
        pieces = [piece for lap in laps for piece in lap.pieces()]

        def collect() -> bytes:
            packer = lzma.LZMACompressor(preset=XZ_PRESET)
            lines = [laps[0].stood.result().lines()] if laps else []
            packed = [packer.compress(line) for line in lines]
            packed += [packer.compress(zlib.decompress(piece.result())) for piece in pieces]
            return b"".join([*packed, packer.flush()])

        return collect

    def _is_settled(self) -> bool:
        seen = {one.connection: one.frames for one in self._desk.connections}
        return all(head.frames == seen.get(number) for number, head in self._heads.items())

    def _books(self, at_ns: int) -> list[Standing]:
        books = [
            copy_book(listing, self._heads[listing.connection].connect.url, at_ns)
            for listing in self._desk.listings.values()
            if listing.state is BookState.LIVE and listing.connection in self._heads
        ]
        return [book for book in books if book is not None]

    def _begin(self, at_ns: int, books: list[Standing]) -> Lap:
        if self._lap is not None:
            self._lap.seal()
            self._laps.append(self._lap)
            self._forget(at_ns)
        self._due_ns = at_ns + LAP_NS_MAX - self._ahead_ns
        self._ahead_ns = 0
        # As if it had all been said just now: a replay at the recording's pace waits for nothing.
        heads = [row._replace(at_ns=at_ns) for head in self._heads.values() for row in head.rows()]
        self._lap = Lap(self._executor, at_ns, heads, books)
        return self._lap

    def _forget(self, at_ns: int) -> None:
        size = self.size
        while len(self._laps) > 1:
            # Without the first one, the second is what everything begins with.
            is_old = at_ns - self._laps[1].began_ns > RING_NS_MAX
            if size <= self._bytes_max and not is_old:
                return
            size -= self._laps.popleft().packed_bytes

    def _note(self, heard: Heard) -> None:
        number = heard.connection
        if heard.kind == RowKind.CONNECT:
            self._heads[number] = Head(heard)
        elif heard.kind == RowKind.CLOSE:
            self._heads.pop(number, None)
        elif number in self._heads:
            self._heads[number].take(heard)


def stand(heads: list[Heard], books: list[Standing]) -> Stood:
    """Pack how things stand; the copies of the books are let go one by one."""
    packed: list[PackedBook] = []
    while books:
        packed.append(books.pop(0)())
    return Stood(heads, packed)


def pack(rows: Sequence[Heard]) -> bytes:
    """Pack the lines of rows."""
    packer = zlib.compressobj(ZLIB_LEVEL)
    packed = [packer.compress(encode_row(heard.as_row())) for heard in rows]
    return b"".join([*packed, packer.flush()])
