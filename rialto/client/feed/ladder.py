"""One side of a book: levels by exact price, best first.

The rule of this file: a price is compared as the decimal number that its text says. There are no
floats, and no scale that a text could be too fine for.
"""

from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from shared.feed import Level

GONE = "0"


class UnreadablePriceError(ValueError):
    """A price that is no number: the book cannot be sorted any more."""


class Ladder:
    """The levels of one side. `best_is_highest` is true for bids."""

    def __init__(self, *, best_is_highest: bool) -> None:
        self._best_is_highest = best_is_highest
        self._prices: list[Decimal] = []  # Rising on both sides; bids are read from the end.
        self._levels: list[Level] = []

    def __len__(self) -> int:
        return len(self._levels)

    @property
    def best(self) -> Level | None:
        if not self._levels:
            return None
        return self._levels[-1 if self._best_is_highest else 0]

    def best_first(self, count: int | None = None) -> list[Level]:
        """Return the best `count` levels, or all."""
        if not self._best_is_highest:
            return self._levels[:count]
        return self._levels[::-1] if count is None else self._levels[: -count - 1 : -1]

    def replace(self, levels: Iterable[Level]) -> None:
        """Hold these levels and no others. Raises UnreadablePriceError."""
        by_price = {_price(level): level for level in levels}
        self._prices = sorted(by_price)
        self._levels = [by_price[price] for price in self._prices]

    def change(self, levels: Iterable[Level]) -> None:
        """Take over absolute quantities; "0" removes a level, or nothing where there is none.

        Raises UnreadablePriceError, after which the ladder is not to be used.
        """
        for level in levels:
            price = _price(level)
            place = bisect_left(self._prices, price)
            is_held = place < len(self._prices) and self._prices[place] == price
            if level[1] == GONE:
                if is_held:
                    del self._prices[place], self._levels[place]
            elif is_held:
                self._levels[place] = level
            else:
                self._prices.insert(place, price)
                self._levels.insert(place, level)

    def keep_best(self, count: int) -> None:
        """Let go of all but the best `count` levels."""
        over = len(self._levels) - count
        if over > 0:
            dropped = slice(None, over) if self._best_is_highest else slice(count, None)
            del self._prices[dropped], self._levels[dropped]


def _price(level: Level) -> Decimal:
    try:
        price = Decimal(level[0])
    except (InvalidOperation, IndexError) as error:
        raise UnreadablePriceError(f"a level {level!r}") from error
    if not price.is_finite() or len(level) < 2:
        raise UnreadablePriceError(f"a level {level!r}")
    return price
