"""A book of levels as it is now, and which levels changed lately.

The rule of this file: it holds what it is told, and computes nothing but the order of prices. A
level is the texts that clients are sent, made by whoever tells, and kept as it is sent. Keys order
the levels, the best first on both sides: the price in ticks for asks, and its negative for bids.
"""

from collections.abc import Iterable
from typing import NamedTuple

from broadcaster.channels.ladder import Ladder
from broadcaster.channels.packed import Packed, unpacked
from broadcaster.channels.recent import RecentChanges
from shared.feed import CHECKED_LEVELS_MAX, Level, text_crc32

LevelChange = tuple[int, Level | None]  # Price in ticks; None removes the level.
Olds = dict[int, Packed | None]  # Key -> the level before; None where there was none.


class Changed(NamedTuple):
    """What the changes up to a sequence replaced."""

    last_sequence: int
    bids: Olds
    asks: Olds


class LevelBook:
    """The levels at `sequence`; `info` is what else its producer says of it, as JSON."""

    def __init__(self) -> None:
        self.load(0, 0, (), ())

    def load(
        self,
        sequence: int,
        at_ns: int,
        bids: Iterable[tuple[int, Level]],
        asks: Iterable[tuple[int, Level]],
        info: bytes = b"",
    ) -> None:
        """Replace everything; nothing of what was before can be resumed."""
        self.bids = Ladder((-ticks, level) for ticks, level in bids)
        self.asks = Ladder(asks)
        self.recent_bids, self.recent_asks = RecentChanges(sequence), RecentChanges(sequence)
        self.sequence, self.at_ns, self.info = sequence, at_ns, info
        self._crc32s: dict[int, int] = {}  # By how many levels of each side they are of.

    def change(
        self,
        last_sequence: int,
        at_ns: int,
        bids: Iterable[LevelChange],
        asks: Iterable[LevelChange],
    ) -> Changed:
        """Take over changes that follow; return what they replaced."""
        assert last_sequence > self.sequence, "a change comes after what it changes"
        self.sequence, self.at_ns = last_sequence, at_ns
        bids = ((-ticks, level) for ticks, level in bids)
        old_bids = self._replace(self.bids, self.recent_bids, bids)
        old_asks = self._replace(self.asks, self.recent_asks, asks)
        return Changed(last_sequence, old_bids, old_asks)

    def best(self, count: int) -> tuple[list[Level], list[Level]]:
        """Return at most so many levels of each side, best first; 0 is all."""
        return self.bids.first(count), self.asks.first(count)

    def crc32(self, count: int = 0) -> int:
        """Return the checksum of the best `count` levels as they are, 0 is all."""
        count = min(count or CHECKED_LEVELS_MAX, CHECKED_LEVELS_MAX)
        crc32 = self._crc32s.get(count)
        if crc32 is None:
            sides = (self.bids.checked(count), self.asks.checked(count))
            crc32 = self._crc32s[count] = text_crc32(":".join(filter(None, sides)))
        return crc32

    def _replace(
        self, ladder: Ladder, recent: RecentChanges, changes: Iterable[LevelChange]
    ) -> Olds:
        olds: Olds = {}
        checked_edge = ladder.edge(CHECKED_LEVELS_MAX)
        for key, level in changes:
            old = ladder.replace(key, level)
            if level is None:
                if old is None:
                    continue  # It was not there and is not there.
                level = unpacked(old)
            olds.setdefault(key, old)
            recent.note(key, self.sequence, level[0])
            if key <= checked_edge:
                self._crc32s.clear()
        recent.keep_part_of(len(ladder))
        return olds
