"""The levels of a book: two sides, how far they can be trusted, and what has changed in them.

The rule of this file: a change is read whole before anything of it is taken over, and no level is
kept beyond the edge up to which the book is known to be complete.
"""

from aggregator.books.prepared import PreparedSide, PreparedSnapshot, read_side
from aggregator.books.readers import NO_EDGE, Readers, read_levels
from aggregator.books.rules import CUT_FACTOR, REFRESH_DIVISOR, BookRules
from aggregator.books.side import Level, Side
from aggregator.protocol import BookUpdate, SnapshotFrom

NEVER = 10**9  # Levels; no venue has so many.
# Changed keys that nobody has taken; past it the whole book counts as changed.
CHANGED_KEYS_MAX = 20_000


class Levels:
    """Read all of it, change none. `is_short`: too few levels are left up to an edge."""

    __slots__ = (
        "_cut_above",
        "_levels_min",
        "_readers",
        "_rules",
        "ask_edge",
        "asks",
        "asks_changed",
        "bid_edge",
        "bids",
        "bids_changed",
        "depth",
        "is_short",
        "is_whole_changed",
        "is_window",
    )

    def __init__(self, rules: BookRules, readers: Readers) -> None:
        self.bids = Side(1)
        self.asks = Side(-1)
        self.bid_edge = self.ask_edge = NO_EDGE
        self.depth = rules.depth
        self.is_window = False
        """It has the best `depth` levels of each side, and slides with the touch."""
        self.is_short = False
        self.is_whole_changed = True
        self.bids_changed: set[int] = set()
        self.asks_changed: set[int] = set()
        self._rules = rules
        self._readers = readers
        self._cut_above = NEVER
        self._levels_min = 0

    @property
    def trusted_bid_key(self) -> int | None:
        return self._trusted(self.bids, self.bid_edge)

    @property
    def trusted_ask_key(self) -> int | None:
        return self._trusted(self.asks, self.ask_edge)

    @property
    def has_run_out(self) -> bool:
        """Whether a side is empty that is not known to its end."""
        no_bids = not self.bids.keys and self.bid_edge != NO_EDGE
        return no_bids or (not self.asks.keys and self.ask_edge != NO_EDGE)

    def change(self, update: BookUpdate) -> int:
        """Take over a change, and return how many levels were to be removed that are not there.

        Raises DecimalError, and has changed nothing then.
        """
        readers, bids, asks = self._readers, self.bids, self.asks
        quantity_of, unknown = readers.quantity_of, 0
        bid_levels: list[Level] = []
        if update.bids:
            bid_levels = read_levels(update.bids, readers.bid_of, quantity_of, self.bid_edge)
        if update.asks:
            ask_levels = read_levels(update.asks, readers.ask_of, quantity_of, self.ask_edge)
            unknown = asks.change(ask_levels)
            self.asks_changed.update([key for key, _ in ask_levels])
        if bid_levels:
            unknown += bids.change(bid_levels)
            self.bids_changed.update([key for key, _ in bid_levels])
        bids_count, asks_count = len(bids.keys), len(asks.keys)
        if bids_count > self._cut_above or asks_count > self._cut_above:
            self._cut()
        elif bids_count < self._levels_min or asks_count < self._levels_min:
            self.is_short = True
        if len(self.bids_changed) + len(self.asks_changed) > CHANGED_KEYS_MAX:
            self.change_whole()
        return unknown

    def replace(self, snapshot: BookUpdate) -> None:
        """Become a snapshot; raises DecimalError, and has changed nothing then."""
        bids, asks = self._read(snapshot)
        self._settle_window(snapshot, max(len(bids.keys), len(asks.keys)))
        self.bids.hold(bids.keys, bids.quantities)
        self.asks.hold(asks.keys, asks.quantities)
        self.bid_edge = self.ask_edge = NO_EDGE
        self._levels_min, self.is_short = 0, False
        is_known_to_end = snapshot.is_whole or self.is_window
        if not is_known_to_end or bids.is_cut:
            self.bid_edge = self._edge(bids.keys)
        if not is_known_to_end or asks.is_cut:
            self.ask_edge = self._edge(asks.keys)
        self._cut()
        self.change_whole()

    def change_whole(self) -> None:
        """Let everything count as changed."""
        self.is_whole_changed = True
        self.bids_changed.clear()
        self.asks_changed.clear()

    def _trusted(self, side: Side, edge: int) -> int | None:
        if self.is_window:
            return side.keys[0] if side.keys and len(side.keys) >= self.depth else None
        return None if edge == NO_EDGE else edge

    def _read(self, snapshot: BookUpdate) -> tuple[PreparedSide, PreparedSide]:
        if isinstance(snapshot, PreparedSnapshot):
            return snapshot.bid_side, snapshot.ask_side
        readers = self._readers
        return (
            read_side(snapshot.bids, readers.bid_of, readers.quantity_of),
            read_side(snapshot.asks, readers.ask_of, readers.quantity_of),
        )

    def _settle_window(self, snapshot: BookUpdate, levels_count: int) -> None:
        rules = self._rules
        depth = snapshot.depth or self.depth
        is_streamed = rules.snapshot_from is SnapshotFrom.STREAM
        if is_streamed and not snapshot.depth and 0 < depth < levels_count:
            # A recording of another depth than was asked for, without the venue's word on it.
            depth = min((one for one in rules.depths if one >= levels_count), default=levels_count)
        self.depth = depth
        self.is_window = depth > 0
        if rules.truncates:
            self._cut_above = depth
        else:
            self._cut_above = NEVER if self.is_window else rules.levels_kept * CUT_FACTOR

    def _cut(self) -> None:
        """Let go of the worst levels: those that slid out of the window, or more than is kept."""
        if self._rules.truncates:
            self.bids_changed.update(self.bids.keep_best(self.depth))
            self.asks_changed.update(self.asks.keep_best(self.depth))
            return
        kept = self._rules.levels_kept
        if len(self.bids.keys) > self._cut_above:
            self.bids_changed.update(self.bids.keep_best(kept))
            self.bid_edge = self._edge(self.bids.keys)
        if len(self.asks.keys) > self._cut_above:
            self.asks_changed.update(self.asks.keep_best(kept))
            self.ask_edge = self._edge(self.asks.keys)

    def _edge(self, keys: list[int]) -> int:
        """Trust a side no further than to its worst level of now."""
        if not keys:
            return NO_EDGE
        count = min(len(keys), self._rules.levels_kept)
        self._levels_min = min(self._levels_min or count, count // REFRESH_DIVISOR)
        return keys[0]
