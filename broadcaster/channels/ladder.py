"""One side of a book: levels by key, the best first.

The rule of this file: a sorted list of keys beside a list of their levels. A search costs little
more than a look-up in a dict does, and a dict in which levels come and go keeps room for four times
as many as there are. Even in a book of thousands of levels, moving the tails of two lists costs
less than a tree does.

The texts of a level are kept as one, which takes a third to a half of the memory that they take
apart: there are tens of thousands of levels, and all but the best are for the next snapshot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from shared.feed import Level

NO_EDGE = 1 << 64  # Above every key: all levels are within it.
CHECKED_TEXTS = 2  # Of each level: its price and its quantity.
_BETWEEN = "\n"


class Ladder:
    """Levels in the order of their keys, smallest first."""

    __slots__ = ("_is_plain", "_keys", "_levels")

    def __init__(self, levels: Iterable[tuple[int, Level]] = ()) -> None:
        by_key = dict(levels)
        self._is_plain = True  # All levels are one text, of no more than what is checked.
        self._keys = sorted(by_key)
        self._levels = [self._packed(by_key[key]) for key in self._keys]

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: int) -> Level | None:
        """Return the level, None where there is none."""
        at = bisect_left(self._keys, key)
        is_there = at < len(self._keys) and self._keys[at] == key
        return _unpacked(self._levels[at]) if is_there else None

    def replace(self, key: int, level: Level | None) -> Level | None:
        """Put a level in the place of what was there, None for none; return what was there."""
        keys, levels = self._keys, self._levels
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            if level is not None:
                keys.insert(at, key)
                levels.insert(at, self._packed(level))
            return None
        old = _unpacked(levels[at])
        if level is None:
            del keys[at], levels[at]
        else:
            levels[at] = self._packed(level)
        return old

    def first(self, count: int = 0) -> list[Level]:
        """Return at most so many levels, best first; 0 is all."""
        return [_unpacked(level) for level in self._levels[: count or None]]

    def checked(self, count: int) -> str:
        """Return what the checksum of the best levels is of: `price:quantity:price:quantity`."""
        best = self._levels[:count]
        if self._is_plain:
            texts = [level for level in best if isinstance(level, str)]
            return _BETWEEN.join(texts).replace(_BETWEEN, ":")
        return ":".join(
            [":".join(_unpacked(level, CHECKED_TEXTS)[:CHECKED_TEXTS]) for level in best]
        )

    def edge(self, count: int) -> int:
        """Return the last key of the best `count` levels; NO_EDGE when a worse one would be among
        them too, or when `count` is 0, which is all.
        """
        return self._keys[count - 1] if 0 < count <= len(self._keys) else NO_EDGE

    def between(self, after_key: int, until_key: int) -> list[tuple[int, Level]]:
        """Return the levels worse than the one key and up to the other, best first."""
        keys = self._keys
        return self._slice(bisect_right(keys, after_key), bisect_right(keys, until_key))

    def until(self, key: int) -> dict[int, Level]:
        """Return the levels up to a key, best first."""
        return dict(self._slice(0, bisect_right(self._keys, key)))

    def _slice(self, start: int, end: int) -> list[tuple[int, Level]]:
        pairs = zip(self._keys[start:end], self._levels[start:end], strict=True)
        return [(key, _unpacked(level)) for key, level in pairs]

    def _packed(self, level: Level) -> str | Level:
        text = _BETWEEN.join(level)
        is_one = text.count(_BETWEEN) == len(level) - 1  # Strangers' texts may contain anything.
        if not is_one or len(level) != CHECKED_TEXTS:
            self._is_plain = False
        return text if is_one else level


def _unpacked(kept: str | Level, cuts_max: int = -1) -> Level:
    return tuple(kept.split(_BETWEEN, cuts_max)) if isinstance(kept, str) else kept
