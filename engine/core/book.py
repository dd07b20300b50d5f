"""One side of an order book: orders queue first in, first out at each price.

The rule of this file: a ladder keeps orders, and the sum of what remains of them at each price; it
knows no money. Prices become keys whose largest is the best: the price itself for bids, its
negative for asks. So the best is the last of one sorted list, and both sides are the same code.

The sorted list is a plain one: `bisect.insort` finds the place in O(log n) and moves a part of one
block of memory, which for any book of real size is faster than a tree, most of all near the best
price.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

from shared.messages import Order, Side


class Level:
    """The orders at one price, oldest first, and the sum of what remains of them."""

    # An OrderedDict, because a plain dict finds its first key slowly once many before it are gone.
    __slots__ = ("lots", "orders", "price_ticks")

    def __init__(self, price_ticks: int) -> None:
        self.price_ticks = price_ticks
        self.lots = 0
        self.orders: OrderedDict[int, Order] = OrderedDict()


class Ladder:
    """The price levels of one side."""

    __slots__ = ("_before", "keys", "levels", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side is Side.BUY else -1
        self.keys: list[int] = []  # Worst first, so that the best comes and goes at the cheap end.
        self.levels: dict[int, Level] = {}
        self._before: dict[int, int] = {}

    def best_price(self) -> int | None:
        return self.keys[-1] * self.sign if self.keys else None

    def worst_key(self, limit_ticks: int) -> int:
        """Return the smallest key that an opposite order with this limit (0: none) reaches."""
        if limit_ticks:
            return limit_ticks * self.sign
        return self.keys[0] if self.keys else 0

    def add(self, order: Order) -> None:
        """Queue an order behind the others of its price."""
        key = order.price_ticks * self.sign
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(order.price_ticks)
            insort(self.keys, key)
        self._before.setdefault(key, level.lots)
        level.orders[order.order_id] = order
        level.lots += order.quantity_lots - order.filled_lots

    def remove(self, order: Order, lots: int) -> None:
        """Take out an order of which `lots` remained here, wherever in the queue it stands."""
        key = order.price_ticks * self.sign
        level = self.levels[key]
        self._before.setdefault(key, level.lots)
        level.lots -= lots
        del level.orders[order.order_id]
        if not level.orders:
            self._drop(key)

    def reduce(self, order: Order, lots: int) -> None:
        """Take `lots` from what remains of an order; it keeps its place."""
        key = order.price_ticks * self.sign
        level = self.levels[key]
        self._before.setdefault(key, level.lots)
        level.lots -= lots

    def best_first(self) -> Iterator[Level]:
        return (self.levels[key] for key in reversed(self.keys))

    def depth(self, levels: int) -> list[tuple[int, int]]:
        """Return (price, lots) of the best levels, best first."""
        return [(level.price_ticks, level.lots) for level in islice(self.best_first(), levels)]

    def take_changes(self) -> tuple[tuple[int, int], ...]:
        """Return (price, lots) of the levels that differ since the last call, best first."""
        before = self._before
        if not before:
            return ()
        levels, sign = self.levels, self.sign
        changes = []
        for key in sorted(before, reverse=True):
            level = levels.get(key)
            lots = 0 if level is None else level.lots
            if lots != before[key]:
                changes.append((key * sign, lots))
        before.clear()
        return tuple(changes)

    def _drop(self, key: int) -> None:
        keys = self.keys
        if keys[-1] == key:
            keys.pop()
        else:
            del keys[bisect_left(keys, key)]
        del self.levels[key]
