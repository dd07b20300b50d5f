"""Prices as the keys of a published book.

The rule of this file: exact. Prices are integers of 10^-18, which do not fit the 64 bits of a
message; their keys are the same integers divided by what all of them have in common, the tick or a
part of it. A price that is no multiple makes the unit smaller, and then the book has to be
published anew, since a key has a meaning only together with the others.
"""

from collections.abc import Iterable
from math import gcd

KEY_MAX = (1 << 63) - 1
UNIT_MAX = 10**18


class TickScale:
    """The unit never grows again, so a venue that changes its tick brings one new book."""

    __slots__ = ("left_out", "unit")

    def __init__(self) -> None:
        self.unit = UNIT_MAX
        self.left_out = 0  # Levels at prices far beyond anything, that no key can hold.

    def settle(self, prices: Iterable[int]) -> None:
        """Make the unit fit these prices, too."""
        self.unit = gcd(self.unit, *prices)

    def keyed(
        self, levels: Iterable[tuple[int, tuple[str, ...]]]
    ) -> list[tuple[int, tuple[str, ...]]] | None:
        """Return levels by key instead of by price; None if the unit does not fit them."""
        unit, keyed = self.unit, []
        for price, texts in levels:
            key, rest = divmod(price, unit)
            if rest:
                return None
            if key > KEY_MAX:
                self.left_out += 1
                continue
            keyed.append((key, texts))
        return keyed
