"""One side of a consolidated book: the levels of several books, best one last.

The rule of this file: it keeps the sorted keys that any of its books has, and looks quantities up
in the books themselves. So a changed level costs one search, nothing is there twice, and a
quantity cannot differ from the book that it is of.

What is published of it is a window of its best levels, since a message has an end. The window
slides only when it holds too few or too many, so that a price that moves to and fro does not add
and remove far levels all the time. What was published is kept as it was, text by text: so a book
that leaves is found out of all its levels, whatever has become of it since.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from aggregator.books.side import Side
from aggregator.merge.told import Told
from aggregator.protocol import to_text

# A level of four venues has some 150 to 250 bytes as published, and a whole book must stay below
# 1 MiB, whatever the names and numbers are.
# A window has from one to two times this many levels, divided by how many books may be in each.
WINDOW_VENUE_LEVELS = 3_000
WINDOW_LEVELS_MAX = 2_000

# A price in units, and texts: price, total, then book and quantity of each; no texts: it is gone.
PublishedLevel = tuple[int, tuple[str, ...]]

_GONE: tuple[str, ...] = ()
# Between the texts of a level where they are kept as one: four small objects a level would take
# twice the memory, and there are tens of thousands of levels.
_BETWEEN = "\n"


class Depth:
    """`keys` are sorted, best last. Change it by its methods only, right after its books."""

    def __init__(self, sign: int, text_of: Callable[[int], str] = to_text) -> None:
        self.sign = sign
        self._text_of = text_of
        self.keys: list[int] = []
        self.sides: dict[str, Side] = {}  # By book, in the order of their names.
        self.trusted: dict[str, int | None] = {}
        self._edge: int | None = None  # Levels below this key are not published.
        self._changed: dict[int, None] = {}
        self._told = Told()

    # ---- what books say ----

    def put(self, book: str, side: Side, trusted_key: int | None) -> None:
        """Let a book in, or take over all of it anew."""
        self._mark(book)
        self.sides[book] = side
        self.sides = dict(sorted(self.sides.items()))
        self.trusted[book] = trusted_key
        self._merge_keys()
        first = 0 if self._edge is None else bisect_left(side.keys, self._edge)
        self._changed.update(dict.fromkeys(side.keys[first:]))

    def remove(self, book: str) -> None:
        if self.sides.pop(book, None) is not None:
            del self.trusted[book]
            self._mark(book)
            self._merge_keys()

    def change(self, book: str, side: Side, keys: Iterable[int], trusted_key: int | None) -> None:
        """Take over those levels of a book that is in it."""
        self.sides[book] = side
        self.trusted[book] = trusted_key
        ours, changed, edge = self.keys, self._changed, self._edge
        every = [each.quantities for each in self.sides.values()]
        for key in keys:
            at = bisect_left(ours, key)
            is_ours = at < len(ours) and ours[at] == key
            for quantities in every:
                if key in quantities:
                    if not is_ours:
                        ours.insert(at, key)
                    break
            else:
                if is_ours:
                    del ours[at]
            if edge is None or key >= edge:
                changed[key] = None

    # ---- what it is now ----

    @property
    def best_key(self) -> int | None:
        return self.keys[-1] if self.keys else None

    @property
    def trusted_key(self) -> int | None:
        """From this key up the depth is that of all its books; None: to the end."""
        known = [key for key in (self._edge, *self.trusted.values()) if key is not None]
        return max(known, default=None)

    def outline(self) -> tuple[object, ...]:
        """Return something that differs when books, touches or the trusted range do."""
        sides = self.sides
        best = [side.keys[-1] if side.keys else None for side in sides.values()]
        return tuple(sides), best, self.trusted_key

    def levels(self) -> Iterator[PublishedLevel]:
        """Give all levels that were taken, as they were then, best first."""
        sign = self.sign
        return ((key * sign, tuple(told.split(_BETWEEN))) for key, told in self._told.best_first())

    def take(self) -> list[PublishedLevel]:
        """Return the levels that are not as they were when they were last taken."""
        self._slide()
        changed, self._changed = self._changed, {}
        taken: list[PublishedLevel] = []
        for key in changed:
            texts = self._texts(key)
            if self._told.replace(key, _BETWEEN.join(texts)):
                taken.append((key * self.sign, texts))
        return taken

    def _mark(self, book: str) -> None:
        # Its side may have been emptied already: what counts is what was told of it.
        its_own = f"{_BETWEEN}{book}{_BETWEEN}"  # A quantity follows.
        self._changed.update((key, None) for key, told in self._told.items() if its_own in told)

    def _merge_keys(self) -> None:
        # Runs that are sorted already are merged by Python's sort in linear time.
        every = sorted(chain.from_iterable(side.keys for side in self.sides.values()))
        self.keys = list(dict.fromkeys(every))

    def _texts(self, key: int) -> tuple[str, ...]:
        if self._edge is not None and key < self._edge:
            return _GONE
        text_of = self._text_of
        by_book: list[str] = []
        total = 0
        for book, side in self.sides.items():
            quantity = side.quantities.get(key)
            if quantity:
                total += quantity
                by_book += (book, text_of(quantity))
        if not by_book:
            return _GONE
        told = self._told.get(key)
        price = told.partition(_BETWEEN)[0] if told else text_of(key * self.sign)
        return (price, by_book[1] if len(by_book) == 2 else text_of(total), *by_book)

    # ---- the window ----

    def _slide(self) -> None:
        levels_min = min(WINDOW_LEVELS_MAX, WINDOW_VENUE_LEVELS // max(len(self.sides), 1))
        first = 0 if self._edge is None else bisect_left(self.keys, self._edge)
        count = len(self.keys) - first
        if not first and count <= 2 * levels_min:
            self._edge = None
        if levels_min <= count <= 2 * levels_min or (count < levels_min and not first):
            return
        new_first = max(len(self.keys) - levels_min - levels_min // 2, 0)
        self._edge = self.keys[new_first] if new_first else None
        # What leaves the window is removed by it, what enters it was never told.
        low, high = sorted((first, new_first))
        self._changed.update(dict.fromkeys(islice(self.keys, low, high)))
