"""The channels of all venues together: `book:consolidated:` and `trades:consolidated:`.

The rule of this file: it passes on what the merger says, under keys that fit a message, and decides
nothing. A book that is not live leaves every level at once.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from aggregator.books.words import BookState
from aggregator.merge import MergeOptions, Merger, SymbolChange, consolidated_symbol
from aggregator.outlet.listing import RANK_DEPTH, RANK_TRADES, TRADES_KEPT
from aggregator.outlet.sources import Difference, Listing
from aggregator.outlet.ticks import TickScale
from aggregator.protocol import to_text
from shared.messages import SymbolStatus
from shared.publishing import BookChannel, BookNow, Level, LogChannel, Publisher

_encode = msgspec.json.Encoder().encode

# For so long, and one symbol more, frames wait when they come just then: what is left has its turn
# after them. A symbol takes some 100 us; when a large book leaves it, some milliseconds.
SAYING_NS_MAX = 400_000


class _Keys(NamedTuple):
    bids: set[int]
    asks: set[int]


class ConsolidatedOutlet:
    """Publishes the consolidated books of a process, and the tape of all venues."""

    def __init__(
        self, publisher: Publisher, options: MergeOptions, text_of: Callable[[int], str] = to_text
    ) -> None:
        self.merger = Merger(options, text_of)
        self._publisher = publisher
        self._options = options
        self._books: dict[str, _Book] = {}
        self._tapes: dict[str, LogChannel] = {}
        self._tape_of: dict[str, LogChannel] = {}  # By book.
        # What the merger has not been told yet, by symbol and book; None: all of the book. To take
        # one in, or out, takes a millisecond, so it is told when it is its symbol's turn.
        self._changed: dict[str, dict[str, tuple[Listing, _Keys | None]]] = {}
        self._left: dict[str, None] = {}  # Symbols that a book has left, until that is told.
        self._is_others_turn = False  # Of two kinds of symbols that wait, each has every other one.
        self.is_waiting = False  # There is something for `say_books`.
        self.is_urgent = False  # A book is not live any more, which cannot wait.

    @property
    def dropped_trades(self) -> int:
        return sum(tape.dropped for tape in self._tapes.values())

    def add_book(self, name: str) -> None:
        """Have a tape for a book that is going to be followed."""
        symbol = consolidated_symbol(name, self._options.quote_map)
        if symbol not in self._tapes:
            tape = self._publisher.open_log(f"trades:consolidated:{symbol}", kept=TRADES_KEPT)
            tape.rank = RANK_TRADES
            self._tapes[symbol] = tape
        self._tape_of[name] = self._tapes[symbol]

    def say_trade(self, book: str, at_ns: int, said: bytes) -> None:
        """Add a trade as it was published for its own book; in the order of receipt."""
        self._tape_of[book].add(at_ns, said)

    def look(self, listing: Listing, difference: Difference) -> None:
        """Take over what has changed of a listing."""
        name = listing.name
        symbol = consolidated_symbol(name, self._options.quote_map)
        of_symbol = self._changed.get(symbol)
        if of_symbol is None:
            of_symbol = self._changed[symbol] = {}
        self.is_waiting = True
        if listing.state is not BookState.LIVE:
            self.is_urgent = True
            self._left[symbol] = None
            of_symbol[name] = listing, None
            return
        _, known = of_symbol.get(name, (listing, _Keys(set(), set())))
        if known is None or difference.is_whole:
            of_symbol[name] = listing, None
            return
        known.bids.update(difference.bids)
        known.asks.update(difference.asks)
        of_symbol[name] = listing, known

    def leave_out(self, status: SymbolStatus) -> None:
        """Take a book out of its consolidated book, and say why."""
        self.is_waiting = self.is_urgent = True
        self._left[consolidated_symbol(status.book, self._options.quote_map)] = None
        self.merger.leave_out(status)

    def say_books(self, at_ns: int, clock_ns: Callable[[], int]) -> None:
        """Publish what has changed: what a book has left first, and then what has waited longest,
        as far as there is time.
        """
        until_ns = at_ns + SAYING_NS_MAX
        while (symbol := self._next_symbol()) is not None:
            self._left.pop(symbol, None)
            self._is_others_turn = not self._is_others_turn
            for listing, keys in self._changed.pop(symbol, {}).values():
                self._tell(listing, keys)
            change = self.merger.take_change(symbol, at_ns)
            if change is not None:
                self._say(change, at_ns)
            if clock_ns() >= until_ns:
                break
        self.is_waiting = self._next_symbol() is not None
        self.is_urgent = bool(self._left)

    def _next_symbol(self) -> str | None:
        if self._left:
            return next(iter(self._left))
        own, others = next(iter(self._changed), None), self.merger.next_symbol
        return (others or own) if self._is_others_turn else (own or others)

    def _tell(self, listing: Listing, keys: "_Keys | None") -> None:
        name, book = listing.name, listing.book
        if listing.state is not BookState.LIVE:
            self.merger.leave_out(
                SymbolStatus(
                    book=name,
                    state=listing.state,
                    since_ns=listing.since_ns,
                    reason=listing.reason,
                )
            )
        elif keys is None:
            self.merger.show(name, book)
        else:
            self.merger.change(name, book, keys.bids, keys.asks)

    def _say(self, change: SymbolChange, at_ns: int) -> None:
        book = self._books.get(change.symbol)
        if book is None:
            book = self._books[change.symbol] = _Book(self._publisher, self.merger, change.symbol)
        book.say(change, at_ns)


class _Book:
    """One consolidated book."""

    def __init__(self, publisher: Publisher, merger: Merger, symbol: str) -> None:
        self._merger = merger
        self._symbol = symbol
        self._scale = TickScale()
        self._at_ns = 0
        self._is_renewed_next = True
        self._channel: BookChannel = publisher.open_book(f"book:consolidated:{symbol}", self._image)
        self._channel.rank = RANK_DEPTH

    def say(self, change: SymbolChange, at_ns: int) -> None:
        self._at_ns = at_ns
        if not change.is_whole and not self._is_renewed_next:
            bids, asks = self._scale.keyed(change.bids), self._scale.keyed(change.asks)
            if bids is not None and asks is not None:
                info = None if change.info is None else _encode(change.info)
                self._channel.change(at_ns, bids, asks, info)
                return
        self._is_renewed_next = False
        self._settle()
        self._channel.renew()
        self._channel.change(at_ns)

    def _settle(self) -> None:
        bids, asks, _ = self._merger.symbols[self._symbol].whole(self._at_ns)
        self._scale.settle(price for price, _ in bids)
        self._scale.settle(price for price, _ in asks)

    def _image(self) -> BookNow:
        bids, asks, info = self._keyed()
        if bids is None or asks is None:
            # Asked for between a change and its telling; whoever is in step gets an image, too.
            self._is_renewed_next = True
            self._settle()
            bids, asks, info = self._keyed()
        assert bids is not None, "a scale fits what it was settled with"
        assert asks is not None, "a scale fits what it was settled with"
        return BookNow(bids, asks, info)

    def _keyed(self) -> tuple[Iterable[Level] | None, Iterable[Level] | None, bytes]:
        bids, asks, info = self._merger.symbols[self._symbol].whole(self._at_ns)
        return self._scale.keyed(bids), self._scale.keyed(asks), info
