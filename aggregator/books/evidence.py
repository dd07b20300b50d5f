"""How a book is proven right after each update, by what its venue gives for it.

The rule of this file: a proof reads the book and says in a sentence what is wrong, or nothing. It
never lets a doubt pass as proven: what cannot be compared is not counted as verified.
"""

from typing import Protocol

from aggregator.books.side import Side
from aggregator.books.words import BookCounts
from aggregator.protocol import NONE, BookUpdate, Checksum, TouchUpdate


class Proof(Protocol):
    """One for each book; it counts what it has verified."""

    counts: BookCounts

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        """Look at a snapshot that has become the book; an empty text: nothing speaks against it.

        `depth` is how many levels a side the subscription has, 0 for all.
        """

    def begin_anew(self) -> None:
        """Forget the book: another one will take its place."""

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        """Look at the book after an update."""

    def hear(self, touch: TouchUpdate) -> str:
        """Take the venue's word on its touch, and say what it proves wrong; raises DecimalError."""

    def forget_touches(self) -> None:
        """Compare with nothing that was heard until now: something between may be missing."""


class NoProof:
    """Where a venue gives nothing: never verified."""

    __slots__ = ("counts",)

    def __init__(self, counts: BookCounts) -> None:
        self.counts = counts

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        return ""

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        return ""

    def hear(self, touch: TouchUpdate) -> str:
        return ""

    def forget_touches(self) -> None:
        pass

    def begin_anew(self) -> None:
        pass


class OrderProof(NoProof):
    """By the numbers of the book's updates, or of the connection's frames: whatever comes here was
    found to follow the one before, and so is verified.
    """

    __slots__ = ()

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        self.counts.verified += 1
        return ""

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        self.counts.verified += 1
        return ""


class ChecksumProof(NoProof):
    """By a checksum over the top of the book, in each update."""

    __slots__ = ("_checksum",)

    def __init__(self, counts: BookCounts, checksum: Checksum) -> None:
        super().__init__(counts)
        self._checksum = checksum

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        return self.check(update, bids, asks, 0)

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        got = self._checksum.value(update, bids, asks)
        if got == update.checksum:
            self.counts.verified += 1
            return ""
        if update.checksum == NONE:
            return ""
        return f"The checksum is {got}, and the venue's is {update.checksum}."


class OrderOrChecksumProof(ChecksumProof):
    """By the checksum of each update that has one, and of others by their numbers: as recordings
    have them of a venue that has gone over from the one to the other.
    """

    __slots__ = ()

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        if update.checksum == NONE and update.last_id != NONE:
            self.counts.verified += 1
        return super().check(update, bids, asks, unknown_deletes)


class LevelCountProof(NoProof):
    """By the number of levels: the venue says of each level that enters or leaves its window, so a
    full side stays full, and nothing is removed that is not there.

    A side with fewer levels than the window is thin. A full one that becomes so is looked at anew
    once; if the new snapshot is thin too, the market is, and it may become so again.
    """

    __slots__ = ("_depth", "_fell", "_full", "_may_fall")

    def __init__(self, counts: BookCounts) -> None:
        super().__init__(counts)
        self._depth = 0
        self._full = [False, False]
        self._fell = [False, False]
        self._may_fall = [False, False]

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        self._depth = depth
        for index, side in enumerate((bids, asks)):
            is_full = len(side.keys) >= self._depth
            if self._fell[index] and not is_full:
                self._may_fall[index] = True
            self._fell[index] = False
            self._full[index] = is_full
        return self.check(update, bids, asks, 0)

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        if unknown_deletes:
            return f"{unknown_deletes} levels were to be removed that are not there."
        depth = self._depth
        if len(bids.keys) != depth or len(asks.keys) != depth:
            reason = self._look_closer(bids, asks)
            if reason:
                return reason
        self.counts.verified += 1
        return ""

    def _look_closer(self, bids: Side, asks: Side) -> str:
        for index, side in enumerate((bids, asks)):
            count = len(side.keys)
            if count > self._depth:
                return f"There are {count} levels on a side of at most {self._depth}."
            is_full = count == self._depth
            if self._full[index] and not is_full and not self._may_fall[index]:
                self._fell[index] = True
                return f"There are {count} levels on a side that had {self._depth}."
            self._full[index] = is_full
        return ""
