"""All consolidated books of a process.

The rule of this file: it is told right after a book has changed, before anything is published, and
by the book's own name; which books belong together is decided here and nowhere else.

    merger = Merger(MergeOptions(quote_map={"USDT": "USD"}))
    merger.show("binance:spot:BTC/USDT", book)                    # It is live: all of it.
    merger.change("binance:spot:BTC/USDT", book, bid_keys, ask_keys)
    merger.leave_out(SymbolStatus(book="kraken:spot:BTC/USD", state=BookState.STALE, ...))
    for change in merger.take_changes(at_ns): ...
"""

from collections.abc import Callable, Iterable
from itertools import islice

from aggregator.books.shown import Shown
from aggregator.merge.consolidated import Consolidated, SymbolChange
from aggregator.merge.names import MergeOptions, consolidated_symbol
from aggregator.protocol import to_text
from shared.messages.outside import SymbolStatus

__all__ = ["Merger", "SymbolChange"]


class Merger:
    """`symbols` has every consolidated book by its symbol, as soon as a book of it is named.
    `text_of` says how units read, for who has a memory of it.
    """

    def __init__(self, options: MergeOptions, text_of: Callable[[int], str] = to_text) -> None:
        self.options = options
        self._text_of = text_of
        self.symbols: dict[str, Consolidated] = {}
        self._by_book: dict[str, Consolidated] = {}
        self._changed: dict[str, Consolidated] = {}

    def show(self, book: str, shown: Shown) -> None:
        """Let a live book in, or take over all of it anew. Its sides are kept by reference."""
        self._touch(book).show(book, shown)

    def change(
        self, book: str, shown: Shown, bid_keys: Iterable[int], ask_keys: Iterable[int]
    ) -> None:
        """Take over those levels of a live book; of one that is not in yet, everything.

        Where `shown` is another object than before, the keys are all in which the two differ.
        """
        self._touch(book).change(book, shown, bid_keys, ask_keys)

    def leave_out(self, status: SymbolStatus) -> None:
        """Take a book out that is not live, or say why it is not in; all of it, at once. Of what
        waits to be told, this comes first.
        """
        consolidated = self._touch(status.book)
        consolidated.leave_out(status)
        self._changed = {consolidated.symbol: consolidated, **self._changed}

    def take_changes(self, at_ns: int, symbols_max: int | None = None) -> list[SymbolChange]:
        """Return what has changed since the last time, of each symbol at most one change; of so
        many symbols, in the order in which they began to wait.
        """
        changed = self._changed
        names = list(islice(changed, symbols_max))
        taken = (changed.pop(name).take_change(at_ns) for name in names)
        return [change for change in taken if change is not None]

    def take_change(self, symbol: str, at_ns: int) -> SymbolChange | None:
        """Return what has changed of one symbol since the last time; None for nothing."""
        changed = self._changed.pop(symbol, None)
        return None if changed is None else changed.take_change(at_ns)

    @property
    def next_symbol(self) -> str | None:
        """The one that `take_changes` gives first; None: there is nothing to tell."""
        return next(iter(self._changed), None)

    def _touch(self, book: str) -> Consolidated:
        consolidated = self._by_book.get(book)
        if consolidated is None:
            symbol = consolidated_symbol(book, self.options.quote_map)
            consolidated = self.symbols.get(symbol) or Consolidated(
                symbol, self.options, self._text_of
            )
            self.symbols[symbol] = self._by_book[book] = consolidated
        self._changed[consolidated.symbol] = consolidated
        return consolidated
