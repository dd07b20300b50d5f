"""At which venues an order would be filled best, now, and what that would cost.

The rule of this file: take the level that is best after its venue's taker fee, again and again; as
a fee is a share of the price, nothing is better than that. What lies beyond the range that is known
of every book is unknown, not nothing: there the answer ends and says so. Sums are exact until the
end, and then rounded to units against the taker: what a buyer pays up, what a seller gets down.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from aggregator.books.side import Side as BookSide
from aggregator.merge.fees import FeeOf, Taken, factor, levels_after_fees
from aggregator.merge.names import PPM
from aggregator.protocol import UNIT
from shared.messages import Side


class Ending(StrEnum):
    """Why an execution takes no more."""

    DONE = "done"
    NO_DEPTH = "no_depth"  # Every book is known to its end, and there is no more in them.
    UNKNOWN = "unknown"  # More may be there, or better: it is beyond what is known of some book.


class Fill(NamedTuple):
    """What is taken of one level, in units; the price is before fees."""

    book: str
    price: int
    quantity: int


class Execution(NamedTuple):
    """All in units, prices and totals in the quote asset; 0 where nothing is filled.

    `left` is what of the wish (a quantity, or a budget) is not met. A budget that ends is met but
    for less than the smallest quantity costs.
    """

    side: Side
    fills: tuple[Fill, ...]
    ending: Ending
    left: int
    quantity: int
    total: int
    total_after_fees: int
    average_price: int
    average_price_after_fees: int
    worst_price: int


def best_execution(
    sides: Mapping[str, BookSide],
    trusted: Mapping[str, int | None],
    side: Side,
    *,
    fee_of: FeeOf,
    quantity: int = 0,
    budget: int = 0,
) -> Execution:
    """Return how best to fill a quantity, or use a budget: spend it, or when selling receive it,
    after fees.

    `sides` are the asks of live books to buy, their bids to sell, and `trusted` to which key each
    is known (None: to its end). Raises ValueError unless just one wish is above 0.
    """
    if (quantity > 0) == (budget > 0) or min(quantity, budget) < 0:
        raise ValueError("Ask for a quantity above 0, or for a budget above 0.")
    known_rank = _known_rank(sides, trusted, fee_of)
    walk = _Walk(side, quantity, budget * UNIT * PPM)
    ending = Ending.NO_DEPTH if known_rank is None and sides else Ending.UNKNOWN
    for level in levels_after_fees(sides, fee_of):
        if known_rank is not None and level.rank > known_rank:
            break
        walk.take(level)
        if walk.is_done:
            ending = Ending.DONE
            break
    return walk.result(ending)


def _known_rank(
    sides: Mapping[str, BookSide], trusted: Mapping[str, int | None], fee_of: FeeOf
) -> int | None:
    """Return up to which rank no unknown level can come in between; None: there are none."""
    ranks = [
        -key * factor(side.sign, fee_of(book))
        for book, side in sides.items()
        if (key := trusted[book]) is not None
    ]
    return min(ranks, default=None)


class _Walk:
    def __init__(self, side: Side, quantity: int, budget: int) -> None:
        self.is_done = False
        self._side = side
        self._by_quantity = quantity > 0
        self._left = quantity or budget  # A budget in units of units and parts per million.
        self._fills: list[Fill] = []
        self._total = self._total_after_fees = 0  # In units of units; and parts per million.

    def take(self, level: Taken) -> None:
        price = abs(level.key)
        price_after_fees = abs(level.rank)  # Times PPM.
        wanted = self._left if self._by_quantity else self._wanted(price_after_fees)
        taken = min(wanted, level.quantity)
        self.is_done = wanted <= level.quantity
        if taken:
            self._fills.append(Fill(level.book, price, taken))
            self._total += price * taken
            self._total_after_fees += price_after_fees * taken
            self._left -= taken if self._by_quantity else price_after_fees * taken

    def result(self, ending: Ending) -> Execution:
        quantity = sum(fill.quantity for fill in self._fills)
        left = max(self._left, 0)
        return Execution(
            side=self._side,
            fills=tuple(self._fills),
            ending=ending,
            left=left if self._by_quantity else left // (UNIT * PPM),
            quantity=quantity,
            total=self._rounded(self._total, UNIT),
            total_after_fees=self._rounded(self._total_after_fees, UNIT * PPM),
            average_price=self._rounded(self._total, quantity),
            average_price_after_fees=self._rounded(self._total_after_fees, quantity * PPM),
            worst_price=self._fills[-1].price if self._fills else 0,
        )

    def _wanted(self, price_after_fees: int) -> int:
        # A buyer must not spend more than the budget, a seller not receive less.
        if self._side is Side.BUY:
            return self._left // price_after_fees
        return -(-self._left // price_after_fees)

    def _rounded(self, total: int, parts: int) -> int:
        if not parts:
            return 0
        return -(-total // parts) if self._side is Side.BUY else total // parts
