"""One consolidated book: which books are in it, which are left out, and what is to be told.

The rule of this file: a book is in it while it is live, whole and at once, and otherwise not at
all. Each book's levels are shown as far as that book is known; `trusted_bid` and `trusted_ask` say
how far all of them are, so up to where the totals are complete. (Showing only what all of them
know would cut every book down to the ten levels of the shallowest.)
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from aggregator.books.shown import Shown
from aggregator.merge.depth import Depth, PublishedLevel
from aggregator.merge.fees import best_after_fees
from aggregator.merge.names import MergeOptions
from aggregator.merge.opportunities import find_opportunities
from aggregator.protocol import to_text
from shared.messages.outside import ConsolidatedBook, SymbolStatus


class SymbolChange(NamedTuple):
    """What is so now in `book:consolidated:<symbol>`.

    With `is_whole` it is the first one, and all there is. A level is a price in units, and texts:
    price, total quantity, then book and quantity of each that has some there; no texts: the level
    is no more. `info` is None where it says what it said before.
    """

    symbol: str
    is_whole: bool
    bids: list[PublishedLevel]
    asks: list[PublishedLevel]
    info: ConsolidatedBook | None


class Consolidated:
    """The books of one symbol."""

    def __init__(
        self, symbol: str, options: MergeOptions, text_of: Callable[[int], str] = to_text
    ) -> None:
        self.symbol = symbol
        self.bids = Depth(1, text_of)
        self.asks = Depth(-1, text_of)
        self._options = options
        self._left_out: dict[str, SymbolStatus] = {}
        self._told: ConsolidatedBook | None = None  # As of no moment.
        self._seen: tuple[object, ...] = ()  # What that was made from, in short.

    # ---- what books say ----

    def show(self, book: str, shown: Shown) -> None:
        self._left_out.pop(book, None)
        self.bids.put(book, shown.bids, shown.trusted_bid_key)
        self.asks.put(book, shown.asks, shown.trusted_ask_key)

    def change(
        self, book: str, shown: Shown, bid_keys: Iterable[int], ask_keys: Iterable[int]
    ) -> None:
        if book not in self.bids.sides:
            self.show(book, shown)
            return
        self.bids.change(book, shown.bids, bid_keys, shown.trusted_bid_key)
        self.asks.change(book, shown.asks, ask_keys, shown.trusted_ask_key)

    def leave_out(self, status: SymbolStatus) -> None:
        self.bids.remove(status.book)
        self.asks.remove(status.book)
        self._left_out[status.book] = status
        self._left_out = dict(sorted(self._left_out.items()))

    # ---- what is to be told ----

    def take_change(self, at_ns: int) -> SymbolChange | None:
        """Return what has changed since the last time; None for nothing."""
        is_whole = self._told is None
        bids, asks = self.bids.take(), self.asks.take()
        info = self._new_info(bids, asks, at_ns)
        if not (bids or asks or info):
            return None
        return SymbolChange(self.symbol, is_whole, bids, asks, info)

    def whole(self, at_ns: int) -> tuple[Iterator[PublishedLevel], Iterator[PublishedLevel], bytes]:
        """Return all of it as it was last taken, with its info in JSON, for an image."""
        info = self.info(0) if self._told is None else self._told
        info = msgspec.structs.replace(info, at_ns=at_ns)
        return self.bids.levels(), self.asks.levels(), msgspec.json.encode(info)

    def _new_info(
        self, bids: list[PublishedLevel], asks: list[PublishedLevel], at_ns: int
    ) -> ConsolidatedBook | None:
        seen = (self.bids.outline(), self.asks.outline(), tuple(self._left_out.values()))
        told = self._told
        if told and seen == self._seen and not self._may_be_taken(bids, asks):
            return None
        self._seen = seen
        info = self.info(0)
        if info == told:
            return None
        self._told = info
        return msgspec.structs.replace(info, at_ns=at_ns)

    def _may_be_taken(self, bids: list[PublishedLevel], asks: list[PublishedLevel]) -> bool:
        # Of an opportunity only levels on the wrong side of the best ones can be a part.
        best_bid, best_ask = self.bids.best_key, self.asks.best_key
        if best_bid is None or best_ask is None or best_bid + best_ask <= 0:
            return False
        return any(price >= -best_ask for price, _ in bids) or any(
            price <= best_bid for price, _ in asks
        )

    def info(self, at_ns: int) -> ConsolidatedBook:
        """Return what is said beside the levels; prices after fees are rounded against takers."""
        fee_of = self._options.taker_fee_ppm
        bids, asks = self.bids.sides, self.asks.sides
        bid, ask = best_after_fees(bids, fee_of), best_after_fees(asks, fee_of)
        locked, crossed = _locked_and_crossed(self.bids, self.asks)
        return ConsolidatedBook(
            at_ns=at_ns,
            symbol=self.symbol,
            books=tuple(bids),
            left_out=tuple(self._left_out.values()),
            taker_fees_ppm=tuple(map(fee_of, bids)),
            bid=_text(self.bids.best_key, 1),
            ask=_text(self.asks.best_key, -1),
            trusted_bid=_text(self.bids.trusted_key, 1),
            trusted_ask=_text(self.asks.trusted_key, -1),
            bid_after_fees=_text(bid[0], 1) if bid else "",
            ask_after_fees=_text(ask[0], -1) if ask else "",
            bid_after_fees_book=bid[1] if bid else "",
            ask_after_fees_book=ask[1] if ask else "",
            is_locked=locked and not crossed,
            is_crossed=crossed,
            opportunities=find_opportunities(bids, asks, fee_of) if locked or crossed else (),
        )


def _text(key: int | None, sign: int) -> str:
    return "" if key is None else to_text(key * sign)


def _locked_and_crossed(bids: Depth, asks: Depth) -> tuple[bool, bool]:
    """Say whether a best bid meets, and whether it is above, the best ask of another book."""
    best_bid, best_ask = bids.best_key, asks.best_key
    if best_bid is None or best_ask is None or best_bid + best_ask < 0:
        return False, False
    sums = [
        bid_side.keys[-1] + ask_side.keys[-1]
        for bid_book, bid_side in bids.sides.items()
        for ask_book, ask_side in asks.sides.items()
        if bid_book != ask_book and bid_side.keys and ask_side.keys
    ]
    return any(one == 0 for one in sums), any(one > 0 for one in sums)
