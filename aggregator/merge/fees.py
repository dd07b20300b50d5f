"""What is left of a price after the taker's fee.

The rule of this file: a fee is parts per million of what changes hands in the quote asset, and what
cannot be split is rounded against the taker. A buyer pays price * (1 + fee), a seller gets
price * (1 - fee).
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import merge
from typing import NamedTuple

from aggregator.books.side import Side
from aggregator.merge.names import PPM

FeeOf = Callable[[str], int]  # A book's taker fee in parts per million.


class Taken(NamedTuple):
    """A level as its taker sees it; `rank` orders levels of all books, the best one lowest."""

    rank: int
    book: str
    key: int
    quantity: int


def factor(sign: int, fee_ppm: int) -> int:
    """Return by what a key is multiplied to be that of the price after fees, times PPM: a bid (1)
    brings less, an ask (-1) costs more.
    """
    return PPM - sign * fee_ppm


def best_after_fees(sides: Mapping[str, Side], fee_of: FeeOf) -> tuple[int, str] | None:
    """Return the best key after fees and whose it is (the first by name of several)."""
    best: tuple[int, str] | None = None
    for book, side in sides.items():
        if side.keys:
            # Compared before it is rounded, as two books may differ by less than a unit. Rounding
            # keys down is against the taker on both sides.
            exact = side.keys[-1] * factor(side.sign, fee_of(book))
            if best is None or exact > best[0]:
                best = exact, book
    return None if best is None else (best[0] // PPM, best[1])


def levels_after_fees(sides: Mapping[str, Side], fee_of: FeeOf) -> Iterator[Taken]:
    """Give the levels of all books, the best one after fees first, only as far as is asked."""
    return merge(*(_ranked(book, side, fee_of(book)) for book, side in sides.items()))


def _ranked(book: str, side: Side, fee_ppm: int) -> Iterator[Taken]:
    # A book's fee does not change the order of its levels.
    factor_of_book = -factor(side.sign, fee_ppm)
    quantities = side.quantities
    for key in reversed(side.keys):
        yield Taken(key * factor_of_book, book, key, quantities[key])
