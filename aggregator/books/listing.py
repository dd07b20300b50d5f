"""One book as everybody else sees it, whichever connection feeds it.

The rule of this file: there is one book at a time; another one takes its place whole.
"""

from collections.abc import Collection

import msgspec

from aggregator.books.book import Book
from aggregator.books.tape import Tape
from aggregator.books.words import BookCounts, BookState
from aggregator.protocol import Instrument
from shared.messages import SymbolStatus


class BookDifference(msgspec.Struct, frozen=True, gc=False):
    """What has changed since the last one was taken: everything (`is_whole`), or the levels of
    these keys, some of which may be gone by now.
    """

    is_whole: bool
    bids: Collection[int]
    asks: Collection[int]


class Listing:
    """`name` is the book's, as in `bybit:linear:BTC/USDT`. Read it, change nothing."""

    def __init__(
        self, name: str, pair: str, instrument: Instrument | None, book: Book, tape: Tape
    ) -> None:
        self.name = name
        self.pair = pair
        self.instrument = instrument
        self.book = book
        self.counts: BookCounts = book.counts
        self.tape = tape
        self.connection = -1
        """The one that feeds the book; -1: none does."""
        self.trades_ticket = 0
        self.trades_due_ns = 0

    @property
    def state(self) -> BookState:
        return self.book.state

    @property
    def since_ns(self) -> int:
        return self.book.since_ns

    @property
    def reason(self) -> str:
        return self.book.reason

    @property
    def status(self) -> SymbolStatus:
        book = self.book
        return SymbolStatus(
            book=self.name, state=book.state, since_ns=book.since_ns, reason=book.reason
        )

    def take_change(self) -> BookDifference:
        """Return what has changed in the book since this was last called."""
        levels = self.book.levels
        changed = levels.is_whole_changed, levels.bids_changed, levels.asks_changed
        levels.is_whole_changed, levels.bids_changed, levels.asks_changed = False, set(), set()
        return BookDifference(*changed)

    def switch(self, book: Book, connection: int) -> None:
        """Let another book take the place of this one; it goes on with the same counts."""
        book.use_counts(self.counts)
        book.follow(self.book)
        self.book, self.connection = book, connection
