"""One side of a simulated book, and a view of its best levels only.

The rule of this file: keys ascend towards the best one, so an ask's key is its price below zero. It
shares no code with the books of the aggregator, because it is what those are held against.
"""

from bisect import bisect_left, insort

Levels = dict[int, int]  # Key to quantity; in what changed, a quantity of 0 is a level that went.


class Ladder:
    """The levels of one side: quantities by key, and the keys in order, the best one last."""

    __slots__ = ("keys", "quantities")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.quantities: Levels = {}

    def put(self, key: int, quantity: int) -> int:
        """Set the quantity of a level, 0 removes it; return what it was before."""
        before = self.quantities.get(key, 0)
        if quantity and not before:
            insort(self.keys, key)
        if quantity:
            self.quantities[key] = quantity
        elif before:
            del self.quantities[key]
            del self.keys[bisect_left(self.keys, key)]
        return before

    def best(self, count: int) -> list[tuple[int, int]]:
        """Return the best levels, the best one first."""
        return [(key, self.quantities[key]) for key in self.keys[: -count - 1 : -1]]


class Edge:
    """The best `depth` levels of a ladder as a subscriber to that many sees them."""

    __slots__ = ("_depth", "_ladder", "_worst")

    def __init__(self, ladder: Ladder, depth: int) -> None:
        self._ladder = ladder
        self._depth = depth
        self._worst = self._find()

    def _find(self) -> int | None:
        keys = self._ladder.keys
        return keys[-self._depth] if len(keys) >= self._depth else None

    def pass_on(self, changed: Levels, before: Levels) -> tuple[Levels, list[int]]:
        """Return what of a step's changes shows among the best levels, with those that came in
        from behind, and the keys of those that were pushed out and still exist.

        `before` has the quantities of the changed levels before the step, 0 for new ones.
        """
        old, new = self._worst, self._find()
        self._worst = new
        shown: Levels = {}
        fallen: list[int] = []
        for key, quantity in changed.items():
            was_seen = before[key] > 0 and (old is None or key >= old)
            if quantity and (new is None or key >= new):
                shown[key] = quantity
            elif was_seen and quantity:
                fallen.append(key)
            elif was_seen:
                shown[key] = 0
        if new is not None and (old is None or new > old):
            fallen += [key for key in self._between(old, new) if key not in changed]
        elif old is not None:
            shown |= {key: self._ladder.quantities[key] for key in self._between(new, old)}
        return shown, fallen

    def _between(self, low: int | None, high: int) -> list[int]:
        keys = self._ladder.keys
        begin = 0 if low is None else bisect_left(keys, low)
        return keys[begin : bisect_left(keys, high)]
