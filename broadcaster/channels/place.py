"""One side of a book as a view last showed it, kept by what has changed since.

The rule of this file: the levels are in the book; here are only the former ones of those that
changed, and how far down the view reaches. So a place costs what has happened since, and not what
the book is large.
"""

from broadcaster.channels.ladder import Ladder
from broadcaster.channels.levels import Olds
from broadcaster.channels.packed import Packed, removal_at, removal_of
from broadcaster.channels.recent import Prices


class SidePlace:
    """The best `count` levels of a ladder (0 is all) as they were when this was made."""

    __slots__ = ("_count", "_edge", "_ladder", "_olds")

    def __init__(self, ladder: Ladder, count: int) -> None:
        self._ladder = ladder
        self._count = count
        self._edge = ladder.edge(count)  # What is worse was not shown.
        self._olds: Olds = {}

    def __len__(self) -> int:
        return len(self._olds)

    def gather(self, olds: Olds) -> None:
        """Note what the ladder has replaced."""
        for key, old in olds.items():
            if key <= self._edge:
                self._olds.setdefault(key, old)

    def levels(self) -> list[Packed]:
        """Return the levels that were shown, best first."""
        if not self._olds:
            return self._ladder.best(self._count)
        before = self._ladder.until(self._edge)
        before.update(self._olds)
        return [level for key in sorted(before) if (level := before[key]) is not None]

    def steps(self) -> list[Packed]:
        """Return what leads from there to the best `count` levels now, best first."""
        ladder, edge = self._ladder, self._ladder.edge(self._count)
        said: dict[int, Packed] = {}
        for key, old in self._olds.items():
            new = ladder.get(key) if key <= edge else None
            if new is not None:
                if new != old:
                    said[key] = new
            elif old is not None:
                said[key] = removal_of(old)
        if edge > self._edge:
            said.update(ladder.between(self._edge, edge))
        elif edge < self._edge:
            for key, level in ladder.between(edge, self._edge):
                if key not in self._olds:
                    said[key] = removal_of(level)
        return [said[key] for key in sorted(said)]

    def levels_of(self, prices: Prices) -> list[Packed]:
        """Return how these levels were, best first; those that were not there are removed."""
        olds, ladder = self._olds, self._ladder
        levels = ((key, olds[key] if key in olds else ladder.get(key)) for key in sorted(prices))
        return [level or removal_at(prices[key]) for key, level in levels]
