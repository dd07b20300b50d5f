"""Texts of one book as keys and quantities, remembered.

The rule of this file: a side's memory gives keys, so that nothing has to be turned about later.
"""

from collections.abc import Iterable

from aggregator.books.side import Level
from aggregator.protocol import Change, Memory, to_units

# A text and its number are some 150 bytes, and a process may have dozens of books, all of which
# come to these limits in time. With twice as many, frames of recorded venues find as much in the
# median, and one or two texts more in the 95th percentile.
PRICE_TEXTS_MAX = 1_000
# Of all books of a feed together: most quantities are new, but many are 0 or round.
QUANTITY_TEXTS_MAX = 6_000
# Below every key: a side without an edge is known to its end. No price has so many digits.
NO_EDGE = -(10**60)


class Readers:
    """`bid_of` and `ask_of` give keys, `quantity_of` units; all raise DecimalError."""

    __slots__ = ("ask_of", "bid_of", "quantity_of")

    def __init__(self, quantity_of: Memory | None = None) -> None:
        self.bid_of = Memory(PRICE_TEXTS_MAX)
        self.ask_of = Memory(PRICE_TEXTS_MAX, _to_ask_key)
        self.quantity_of = Memory(QUANTITY_TEXTS_MAX) if quantity_of is None else quantity_of


def _to_ask_key(text: str) -> int:
    return -to_units(text)


def read_levels(
    changes: Iterable[Change], key_of: Memory, quantity_of: Memory, edge: int
) -> list[Level]:
    """Return the levels down to the edge; raises DecimalError before anything is changed."""
    return [
        (key, quantity_of[quantity])
        for price, quantity in changes
        if (key := key_of[price]) >= edge
    ]
