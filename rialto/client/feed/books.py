"""A book, rebuilt from a snapshot and what changed: `depth:`, `depth20:` and `book:` channels.

The rule of this file: after each message the numbers follow and the checksum is right, or the book
is not shown.
"""

from msgspec import UNSET, Raw, UnsetType

from rialto.client.feed.keeper import Keeper
from rialto.client.feed.ladder import Ladder, UnreadablePriceError
from shared.feed import (
    CHECKED_LEVELS_MAX,
    BookDelta,
    BookSnapshot,
    DepthDelta,
    DepthSnapshot,
    Level,
    book_crc32,
)

BookUpdate = DepthSnapshot | DepthDelta | BookSnapshot | BookDelta


class BookKeeper(Keeper):
    """The levels of a book at `sequence`, as texts, as the server sent them.

        book = BookKeeper("depth:TATA_INR")
        book.take(read_update(text))
        book.best_bid, book.bids[:5], book.sequence

    Reading raises NotLiveError before the first snapshot, after a gap and after a wrong checksum.
    """

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self._bids = Ladder(best_is_highest=True)
        self._asks = Ladder(best_is_highest=False)
        self._levels_max = 0
        self._at_ns = 0
        self._info: Raw | UnsetType = UNSET

    @property
    def bids(self) -> list[Level]:
        """Return all bids that the channel shows, best first."""
        self.need_live()
        return self._bids.best_first()

    @property
    def asks(self) -> list[Level]:
        """Return all asks that the channel shows, best first."""
        self.need_live()
        return self._asks.best_first()

    @property
    def best_bid(self) -> Level | None:
        self.need_live()
        return self._bids.best

    @property
    def best_ask(self) -> Level | None:
        self.need_live()
        return self._asks.best

    @property
    def at_ns(self) -> int:
        """Return the time of the last change, in Unix nanoseconds."""
        self.need_live()
        return self._at_ns

    @property
    def levels_max(self) -> int:
        """Return how many levels of each side the channel shows, 0 for all."""
        self.need_live()
        return self._levels_max

    @property
    def info(self) -> Raw | None:
        """Return what else the producer of the channel says, as JSON, None for nothing."""
        self.need_live()
        return None if self._info is UNSET else self._info

    @property
    def crc32(self) -> int:
        """Return the checksum of what is held; it was right at the last message."""
        self.need_live()
        return self._crc32()

    def take(self, update: BookUpdate) -> None:
        """Take over the next message of the channel; a hole or a wrong checksum is a `fault`."""
        if isinstance(update, DepthSnapshot | BookSnapshot):
            self._take_snapshot(update)
        else:
            self._take_delta(update)

    def _take_snapshot(self, update: DepthSnapshot | BookSnapshot) -> None:
        if not self._begin(update.sequence, update.reason):
            return
        self._levels_max = update.levels
        self._at_ns = update.at_ns
        self._info = update.info if isinstance(update, BookSnapshot) else UNSET
        try:
            self._bids.replace(update.bids)
            self._asks.replace(update.asks)
        except UnreadablePriceError as error:
            self._fail(str(error), is_spoilt=True)
            return
        self._check(update.crc32)

    def _take_delta(self, update: DepthDelta | BookDelta) -> None:
        if not self._follow(update.first_sequence, update.last_sequence):
            return
        self._at_ns = update.at_ns
        if isinstance(update, BookDelta) and update.info is not UNSET:
            self._info = update.info
        try:
            self._bids.change(update.bids)
            self._asks.change(update.asks)
        except UnreadablePriceError as error:
            self._fail(str(error), is_spoilt=True)
            return
        if self._levels_max:
            self._bids.keep_best(self._levels_max)
            self._asks.keep_best(self._levels_max)
        self._check(update.crc32)

    def _check(self, crc32: int) -> None:
        found = self._crc32()
        if found != crc32:
            reason = f"the checksum is {found} at {self._sequence}, and should be {crc32}"
            self._fail(reason, is_spoilt=True)

    def _crc32(self) -> int:
        return book_crc32(
            self._bids.best_first(CHECKED_LEVELS_MAX), self._asks.best_first(CHECKED_LEVELS_MAX)
        )
