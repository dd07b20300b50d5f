"""One side of a book: levels by key, the best first.

The rule of this file: a sorted list of keys beside a list of their levels, as they are sent. A
search costs little more than a look-up in a dict does, the best levels are a slice, and a dict in
which levels come and go keeps room for four times as many as there are. Even in a book of thousands
of levels, moving the tails of two lists costs less than a tree does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from broadcaster.channels.packed import Packed, all_unpacked, checked, packed
from shared.feed import CHECKED_LEVELS_MAX, Level

# Levels of which it is kept what the checksum is of; then it is made anew for those that are asked
# for, which comes to one level more at each change. Some 10 kB.
CHECKED_KEPT_MAX = 2 * CHECKED_LEVELS_MAX

NO_EDGE = 1 << 64  # Above every key: all levels are within it.


class Ladder:
    """Levels in the order of their keys, smallest first."""

    __slots__ = ("_checked", "_keys", "_levels")

    def __init__(self, levels: Iterable[tuple[int, Level]] = ()) -> None:
        by_key = dict(levels)
        self._keys = sorted(by_key)
        self._levels = [packed(by_key[key]) for key in self._keys]
        self._checked: dict[Packed, str] = {}  # What the checksum is of, by level.

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: int) -> Packed | None:
        """Return the level, None where there is none."""
        at = bisect_left(self._keys, key)
        return self._levels[at] if at < len(self._keys) and self._keys[at] == key else None

    def replace(self, key: int, level: Level | None) -> Packed | None:
        """Put a level in the place of what was there, None for none; return what was there."""
        keys, levels = self._keys, self._levels
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            if level is not None:
                keys.insert(at, key)
                levels.insert(at, packed(level))
            return None
        old = levels[at]
        if level is None:
            del keys[at], levels[at]
        else:
            levels[at] = packed(level)
        return old

    def first(self, count: int = 0) -> list[Level]:
        """Return the texts of at most so many levels, best first; 0 is all."""
        return all_unpacked(self.best(count))

    def best(self, count: int = 0) -> list[Packed]:
        """Return at most so many levels, best first; 0 is all."""
        return self._levels[:count] if count else self._levels.copy()

    def checked(self, count: int) -> str:
        """Return what the checksum of the best levels is of: `price:quantity:price:quantity`."""
        best, known = self._levels[:count], self._checked
        try:  # From one time to the next, few of the best change.
            return ":".join([known[level] for level in best])
        except KeyError:
            if len(known) >= CHECKED_KEPT_MAX:
                known.clear()
            known.update({level: checked(level) for level in best if level not in known})
        return ":".join([known[level] for level in best])

    def edge(self, count: int) -> int:
        """Return the last key of the best `count` levels; NO_EDGE when a worse one would be among
        them too, or when `count` is 0, which is all.
        """
        return self._keys[count - 1] if 0 < count <= len(self._keys) else NO_EDGE

    def between(self, after_key: int, until_key: int) -> list[tuple[int, Packed]]:
        """Return the levels worse than the one key and up to the other, best first."""
        keys = self._keys
        start, end = bisect_right(keys, after_key), bisect_right(keys, until_key)
        return list(zip(keys[start:end], self._levels[start:end], strict=True))

    def until(self, key: int) -> dict[int, Packed | None]:
        """Return the levels up to a key, best first; None is for who puts other levels there."""
        end = bisect_right(self._keys, key)
        return dict(zip(self._keys[:end], self._levels[:end], strict=True))
