"""How much of a side is published: the best levels, and no more than an image may hold.

The rule of this file: a window has a fixed far edge between two images, so that a change of the
book is a change of the window or none. When too few or too many levels are in it, it is settled
anew, and the book is published as a whole. What the book itself lets go of is among its changes.
"""

from bisect import bisect_left
from collections.abc import Iterable

from aggregator.books.side import Side
from aggregator.outlet.texts import Texts
from shared.publishing import Level

_GONE: tuple[str, ...] = ()


class Window:
    """One side. `edge` is the worst key that is shown; None: as far down as the book goes."""

    __slots__ = ("_levels_max", "edge")

    def __init__(self, levels_max: int) -> None:
        assert levels_max > 1, "half of it is still something"
        self._levels_max = levels_max
        self.edge: int | None = None

    def settle(self, side: Side) -> None:
        """Show the best levels of a side."""
        keys, count = side.keys, self._levels_max
        self.edge = keys[-count] if len(keys) > count else None

    def is_unfit(self, side: Side) -> bool:
        """Whether it has to be settled anew before anything else is shown."""
        keys, edge = side.keys, self.edge
        if edge is None:
            return len(keys) > 2 * self._levels_max
        shown = len(keys) - bisect_left(keys, edge)
        return not self._levels_max <= 2 * shown <= 4 * self._levels_max

    def all_levels(self, side: Side, texts: Texts) -> list[Level]:
        """Return everything that is shown, by price."""
        keys, sign, quantities = side.keys, side.sign, side.quantities
        first = 0 if self.edge is None else bisect_left(keys, self.edge)
        return [(key * sign, (texts[key * sign], texts[quantities[key]])) for key in keys[first:]]

    def changed_levels(self, side: Side, keys: Iterable[int], texts: Texts) -> list[Level]:
        """Return how those of these keys are now that are in the window, by price."""
        edge, sign, quantities = self.edge, side.sign, side.quantities
        levels: list[Level] = []
        for key in keys:
            if edge is None or key >= edge:
                quantity = quantities.get(key)
                price = key * sign
                levels.append(
                    (price, _GONE if quantity is None else (texts[price], texts[quantity]))
                )
        return levels

    def trusted_text(self, side: Side, trusted_key: int | None, texts: Texts) -> str:
        """Return the price to which the side is shown and complete; empty: to its end."""
        edge = self.edge
        if edge is None or (trusted_key is not None and trusted_key > edge):
            edge = trusted_key
        return "" if edge is None else texts[edge * side.sign]
