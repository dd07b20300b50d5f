"""One side of a book: levels by key, the best first.

The rule of this file: a sorted list of keys beside a dict. Nearly every change is of a level that
is there already and touches the dict alone, and even in a book of thousands of levels moving the
tail of a list of integers costs less than a tree does.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from shared.feed import Level

NO_EDGE = 1 << 64  # Above every key: all levels are within it.


class Ladder:
    """Levels in the order of their keys, smallest first."""

    def __init__(self, levels: Iterable[tuple[int, Level]] = ()) -> None:
        self._levels = dict(levels)
        self._keys = sorted(self._levels)

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: int) -> Level | None:
        """Return the level, None where there is none."""
        return self._levels.get(key)

    def put(self, key: int, level: Level) -> None:
        """Add or replace a level."""
        if key not in self._levels:
            insort(self._keys, key)
        self._levels[key] = level

    def remove(self, key: int) -> None:
        """Remove a level that is there."""
        del self._levels[key]
        del self._keys[bisect_left(self._keys, key)]

    def first(self, count: int = 0) -> list[Level]:
        """Return at most so many levels, best first; 0 is all."""
        levels = self._levels
        return [levels[key] for key in (self._keys[:count] if count else self._keys)]

    def edge(self, count: int) -> int:
        """Return the last key of the best `count` levels; NO_EDGE when a worse one would be among
        them too, or when `count` is 0, which is all.
        """
        return self._keys[count - 1] if 0 < count <= len(self._keys) else NO_EDGE

    def between(self, after_key: int, until_key: int) -> list[tuple[int, Level]]:
        """Return the levels worse than the one key and up to the other, best first."""
        start, end = bisect_right(self._keys, after_key), bisect_right(self._keys, until_key)
        return [(key, self._levels[key]) for key in self._keys[start:end]]

    def until(self, key: int) -> dict[int, Level]:
        """Return the levels up to a key, best first."""
        levels = self._levels
        return {each: levels[each] for each in self._keys[: bisect_right(self._keys, key)]}
