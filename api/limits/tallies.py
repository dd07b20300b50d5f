"""Counting what each subject used, in windows of the clock. Pure: the time is given.

The rule of this file: counting is O(1) and a table is bounded. A window begins at a multiple of its
length, so that every process and every client agree on where it begins without asking.
"""

from collections import OrderedDict

from msgspec import Struct


class Window(Struct, frozen=True):
    """One kind of limit; a `limit` of 0 is none. `name` is part of keys, headers and figures.

    What used less than `share_percent` of the limit is nobody else's business.
    """

    name: str
    length_s: int
    limit: int
    share_percent: int = 10


class Tally:
    """What one subject used in the present window; `others` is the share of other processes."""

    __slots__ = ("others", "share_from", "subject", "told", "used", "window", "window_n")

    def __init__(self, window: Window, subject: str | int) -> None:
        self.window = window
        self.subject = subject
        self.share_from = window.limit * window.share_percent // 100
        self.window_n = 0
        self.used = 0  # By this process,
        self.told = 0  # of which the others know this much.
        self.others = 0

    def total(self, now_s: float) -> int:
        """Return what all processes used in the window of `now_s`, as far as it is known here."""
        window_n = int(now_s) // self.window.length_s
        if window_n != self.window_n:
            self.window_n, self.used, self.told, self.others = window_n, 0, 0, 0
        return self.used + self.others

    def wait_s(self, now_s: float) -> int:
        """Return the whole seconds until the next window, at least 1."""
        length_s = self.window.length_s
        return length_s - int(now_s) % length_s


class Table:
    """The tallies of many subjects; when it is full, the least recently used is forgotten."""

    def __init__(self, window: Window, *, size_max: int, busy: set[Tally]) -> None:
        self.window = window
        self._size_max = size_max
        self._busy = busy  # Shared by all tables: what was used since it was last emptied.
        self._tallies: OrderedDict[str | int, Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def of(self, subject: str | int) -> Tally:
        """Return the subject's tally, a new one if it has none."""
        tally = self._tallies.get(subject)
        if tally is not None:
            self._tallies.move_to_end(subject)
            return tally
        tally = self._tallies[subject] = Tally(self.window, subject)
        if len(self._tallies) > self._size_max:
            self._tallies.popitem(last=False)
        return tally

    def add(self, tally: Tally, count: int) -> None:
        """Count, after `total` has said that there is room; a `count` below 0 gives back."""
        tally.used += count
        if self.window.limit and tally.used >= tally.share_from:
            self._busy.add(tally)
