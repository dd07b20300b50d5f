"""One side of a book: its levels, best one last.

The rule of this file: a level is a key and a quantity in units. The key of a bid is its price, of
an ask its price below zero, so that on both sides the best level has the largest key and a change
near the touch moves next to nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

# A dict in which levels come and go takes room for up to four times as many as there are. It is
# made anew when as many have come as are this part of it, and no fewer than these: 0.1 us for each.
RENEWED_PART = 4
RENEWED_MIN = 50

Level = tuple[int, int]  # A key and a quantity; no quantity removes the level.


class Side:
    """`keys` are sorted, best last; `quantities` has exactly these keys. Read both, change none."""

    __slots__ = ("_came", "keys", "quantities", "sign")

    def __init__(self, sign: int) -> None:
        assert sign in (1, -1), "a side is bids (1) or asks (-1)"
        self.sign = sign
        self.keys: list[int] = []
        self.quantities: dict[int, int] = {}
        self._came = 0  # Levels, since `quantities` was made.

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def best_key(self) -> int | None:
        return self.keys[-1] if self.keys else None

    @property
    def best_price(self) -> int | None:
        """The best price in units; None where the side is empty."""
        return self.keys[-1] * self.sign if self.keys else None

    def replace(self, levels: Iterable[Level]) -> None:
        """Become these levels; those without a quantity are none."""
        self.quantities = {key: quantity for key, quantity in levels if quantity}
        self.keys, self._came = sorted(self.quantities), 0

    def hold(self, keys: list[int], quantities: dict[int, int]) -> None:
        """Become these, which belong to the side from now on: `keys` sorted, none without one."""
        self.keys, self.quantities, self._came = keys, quantities, 0

    def change(self, levels: Sequence[Level]) -> int:
        """Take over levels, and return how many were to be removed and were not there."""
        keys, quantities = self.keys, self.quantities
        unknown_count = 0
        for key, quantity in levels:
            if quantity:
                if key not in quantities:
                    insort(keys, key)
                    self._came += 1
                quantities[key] = quantity
            elif quantities.pop(key, None) is None:
                unknown_count += 1
            else:
                del keys[bisect_left(keys, key)]
        if self._came > len(keys) // RENEWED_PART + RENEWED_MIN:
            self.quantities, self._came = {**quantities}, 0
        return unknown_count

    def keep_best(self, count: int) -> list[int]:
        """Remove all but the best levels, and return the keys of those removed."""
        removed = self.keys[: max(len(self.keys) - count, 0)]
        if removed:
            del self.keys[: len(removed)]
            for key in removed:
                del self.quantities[key]
        return removed

    def best(self, count: int) -> list[Level]:
        """Return the best levels, best first."""
        quantities = self.quantities
        return [(key, quantities[key]) for key in self.keys[: -count - 1 : -1]]
