"""One side of an order book: orders queue first in, first out at each price.

The rule of this file: a ladder keeps orders, and the sum of what is visible of them at each price;
it knows no money and decides nothing. Prices become keys whose largest is the best: the price
itself for bids, its negative for asks. So the best is the last, and both sides are the same code.

In a real flow nearly every order comes and goes alone at its price, and near the best one. So a
level is cheap to make, and its queue is made only for the second order. But a million orders cost
each no more, at a million prices or at one: no queue is searched or moved. An order that leaves
from inside a queue stays there as a ghost, and ghosts go in bulk. `add` and `remove` spell out what
others would put into methods, since they are called for every command.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from engine.core.sorted_keys import SortedKeys
from shared.messages import Side

NOBODY = -1  # The account of a sweep that may fill everybody's orders.
# Fewer ghosts than this are let be: a short queue would otherwise be written anew all the time.
GHOSTS_SPARE = 32
# A list this short loses its first entry as fast as a deque, and takes a tenth of the memory.
SHORT_QUEUE_MAX = 64


class Resting(Protocol):
    """What a ladder needs of an order.

    `open_lots`, its visible part, is above 0 while it rests. With `terms` it is no plain order, and
    only the caller knows what a trade makes of it.
    """

    @property
    def order_id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def price_ticks(self) -> int: ...
    @property
    def terms(self) -> object | None: ...

    open_lots: int


OrderT = TypeVar("OrderT", bound=Resting)


class Level(Struct, Generic[OrderT], gc=False, eq=False):
    """The orders at one price, and the sum of what is visible of them.

    `head` is the oldest order. Behind it stand the others in their order, and `ghost_count` ghosts:
    orders that have left. A ghost is known by its id alone: the first `ghosts[order_id]` entries of
    that id are ghosts, so an order that has left may come back, at the end.
    """

    price_ticks: int
    lots: int
    head: OrderT
    behind: list[OrderT] | deque[OrderT] | None = None
    ghosts: dict[int, int] | None = None
    ghost_count: int = 0
    is_changed: bool = True  # Since the ladder was last asked for its changes.

    def orders(self) -> Iterator[OrderT]:
        """Yield the orders, oldest first; none may come or go meanwhile."""
        yield self.head
        ghosts = self.ghosts
        if not ghosts:
            yield from self.behind or ()
            return
        passed: dict[int, int] = {}
        for order in self.behind or ():
            count = passed.get(order.order_id, 0)
            if count < ghosts.get(order.order_id, 0):
                passed[order.order_id] = count + 1
            else:
                yield order

    def advance(self) -> None:
        """Make the next living order the head."""
        behind, ghosts = self.behind, self.ghosts
        assert behind, "The only order of a level takes the level with it."
        if len(behind) > SHORT_QUEUE_MAX and isinstance(behind, list):
            behind = self.behind = deque(behind)
        order = behind[0]
        del behind[0]
        while ghosts and order.order_id in ghosts:
            self.ghost_count -= 1
            ghosts[order.order_id] -= 1
            if not ghosts[order.order_id]:
                del ghosts[order.order_id]
            order = behind[0]
            del behind[0]
        self.head = order
        self.thin_out()

    def thin_out(self) -> None:
        """Write the queue anew if most of it is ghosts: for each ghost a fixed cost."""
        if self.ghost_count > GHOSTS_SPARE and self.ghost_count * 2 > len(self.behind or ()):
            self.behind = list(islice(self.orders(), 1, None))
            self.ghosts, self.ghost_count = None, 0


class Ladder(SortedKeys, Generic[OrderT]):
    """The price levels of one side by their keys; none of them is empty."""

    __slots__ = ("changed", "levels", "sign")

    def __init__(self, side: Side) -> None:
        super().__init__()
        self.sign = 1 if side is Side.BUY else -1
        self.levels: dict[int, Level[OrderT]] = {}
        self.changed: dict[int, int] = {}  # The lots of a changed level, before it changed.

    def best_price(self) -> int | None:
        return self.near[-1] * self.sign if self.near else None

    def worst_key(self, limit_ticks: int) -> int:
        """Return the smallest key that an opposite order with this limit (0: none) reaches."""
        return limit_ticks * self.sign if limit_ticks else self.smallest() or 0

    def add(self, order: OrderT) -> None:
        """Queue an order behind the others of its price."""
        key, lots = order.price_ticks * self.sign, order.open_lots
        assert lots > 0, "An order rests with nothing to show."
        level = self.levels.get(key)
        if level is None:
            self.levels[key] = Level(order.price_ticks, lots, order)
            self.changed.setdefault(key, 0)
            near = self.near
            if near and key > near[-1]:
                near.append(key)
            else:
                self.insert(key)
            return
        if not level.is_changed:
            self._note(key, level)
        level.lots += lots
        if level.behind is None:
            level.behind = [order]
        else:
            level.behind.append(order)

    def remove(self, order: OrderT) -> None:
        """Take out an order, wherever in the queue it stands; its `open_lots` stay as they are."""
        key = order.price_ticks * self.sign
        level = self.levels[key]
        if not level.is_changed:
            self._note(key, level)
        left = level.lots - order.open_lots
        if left <= 0:
            assert not left, "More left a level than was there."
            del self.levels[key]
            near = self.near
            if near[-1] == key and len(near) > 1:
                near.pop()
            else:
                self.delete(key)
            return
        level.lots = left
        if order is level.head:
            level.advance()
            return
        ghosts, order_id = level.ghosts, order.order_id
        if ghosts is None:
            ghosts = level.ghosts = {}
        ghosts[order_id] = ghosts.get(order_id, 0) + 1
        count = level.ghost_count = level.ghost_count + 1
        if count > GHOSTS_SPARE and count * 2 > len(level.behind or ()):
            level.thin_out()

    def reduce(self, order: OrderT, lots: int) -> None:
        """Take `lots`, not all, from what is visible of an order; it keeps its place."""
        assert 0 < lots < order.open_lots, "An order is reduced to a part of what it was."
        key = order.price_ticks * self.sign
        level = self.levels[key]
        if not level.is_changed:
            self._note(key, level)
        order.open_lots -= lots
        level.lots -= lots

    def head(self, worst_key: int) -> OrderT | None:
        """Return the order that trades next, unless its price is beyond the limit."""
        near = self.near
        return self.levels[near[-1]].head if near and near[-1] >= worst_key else None

    def sweep(self, worst_key: int, lots: int, account_id: int) -> list[tuple[OrderT, int]]:
        """Fill up to `lots` from the best orders; return each with what was taken of it.

        It stops before an order that needs a decision, one of this account or one with terms: see
        to it, with `fill_head` or `remove`, and call again for what is left.
        """
        fills: list[tuple[OrderT, int]] = []
        near, levels = self.near, self.levels
        while lots and near and near[-1] >= worst_key:
            maker = levels[near[-1]].head
            if maker.account_id == account_id or maker.terms is not None:
                break
            taken = min(lots, maker.open_lots)
            fills.append((maker, taken))
            self.fill_head(maker, taken)
            lots -= taken
        return fills

    def fill_head(self, order: OrderT, lots: int) -> None:
        """Take `lots` from the order that trades next; filled, it leaves the ladder."""
        assert self.levels[self.near[-1]].head is order, "Only the oldest of the best is filled."
        if lots == order.open_lots:
            self.remove(order)
            order.open_lots = 0
        else:
            self.reduce(order, lots)

    def best_first(self) -> Iterator[Level[OrderT]]:
        """Yield the levels from the best to the worst; none may come or go meanwhile."""
        return (self.levels[key] for key in self.largest_first())

    def depth(self, levels: int) -> list[tuple[int, int]]:
        """Return (price, visible lots) of the best levels, best first."""
        return [(level.price_ticks, level.lots) for level in islice(self.best_first(), levels)]

    def take_changes(self) -> tuple[tuple[int, int], ...]:
        """Return (price, lots) of the levels that differ since the last call, best first."""
        before = self.changed
        if not before:
            return ()
        changes = []
        for key in sorted(before, reverse=True):
            level, lots = self.levels.get(key), 0
            if level is not None:
                level.is_changed, lots = False, level.lots
            if lots != before[key]:
                changes.append((key * self.sign, lots))
        before.clear()
        return tuple(changes)

    def _note(self, key: int, level: Level[OrderT]) -> None:
        level.is_changed = True
        self.changed[key] = level.lots
