"""Whole numbers in order, of which the largest come and go all the time.

The rule of this file: the largest are one plain list, because nothing is faster at its end; the
others wait in blocks, because a plain list of a million moves megabytes for a number in its midst.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import chain

# Of so many, an insertion moves 4 KB on average: less work than to call the next function.
BLOCK_KEYS_MAX = 1_000
# The near list takes the next block in when it is a quarter of a block, not with each key that it
# loses: so that a price that swings to and fro does not move a block each time.
NEAR_SHARE = 4


class SortedKeys:
    """Different whole numbers in ascending order.

    `near` has the largest of them, and is empty only if all are gone. It stays the same list.
    """

    __slots__ = ("_far", "near")

    def __init__(self) -> None:
        self.near: list[int] = []
        self._far: list[list[int]] = []  # Blocks in order, none empty; all are below `near`.

    @property
    def keys(self) -> list[int]:
        """Return all of them in a new list."""
        return [*chain.from_iterable(self._far), *self.near]

    def smallest(self) -> int | None:
        if self._far:
            return self._far[0][0]
        return self.near[0] if self.near else None

    def largest_first(self) -> Iterator[int]:
        yield from reversed(self.near)
        for block in reversed(self._far):
            yield from reversed(block)

    def insert(self, key: int) -> None:
        """Put in a key that is not there."""
        near = self.near
        if not near or key > near[-1]:
            near.append(key)
        elif self._is_far(key):
            self._insert_far(key)
        else:
            insort(near, key)
            self._shorten_near()

    def delete(self, key: int) -> None:
        """Take out a key that is there."""
        if self._is_far(key):
            self._delete_far(key)
            return
        near = self.near
        del near[bisect_left(near, key)]
        if not near and self._far:
            near += self._far.pop()
        self._shorten_near()

    def _is_far(self, key: int) -> bool:
        """Say where a key belongs; a short near list first takes in the block where it does."""
        near, far = self.near, self._far
        if not far or key >= near[0]:
            return False
        if key < far[-1][0] or len(near) > BLOCK_KEYS_MAX // NEAR_SHARE:
            return True
        near[:0] = far.pop()
        return False

    def _shorten_near(self) -> None:
        near = self.near
        if len(near) > BLOCK_KEYS_MAX:
            kept = BLOCK_KEYS_MAX // 2
            for start in range(0, len(near) - kept, kept):
                self._far.append(near[start : min(start + kept, len(near) - kept)])
            del near[:-kept]

    def _insert_far(self, key: int) -> None:
        index = self._block_of(key)
        block = self._far[index]
        insort(block, key)
        if len(block) > BLOCK_KEYS_MAX:
            middle = len(block) // 2
            self._far.insert(index + 1, block[middle:])
            del block[middle:]

    def _delete_far(self, key: int) -> None:
        index = self._block_of(key)
        block = self._far[index]
        del block[bisect_left(block, key)]
        if not block:
            del self._far[index]

    def _block_of(self, key: int) -> int:
        return max(bisect_right(self._far, key, key=_first) - 1, 0)


def _first(block: list[int]) -> int:
    return block[0]
