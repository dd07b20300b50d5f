"""One living book of one simulated venue: levels come, change and go, and trades take from them.

The rule of this file: pure. Chance is the seed's, times are given; prices are counts of ticks and
quantities counts of steps. The book can tell what it was at any of its last numbers.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from aggregator.offline.grain import Grain, whole
from aggregator.offline.ladder import Edge, Ladder, Levels
from aggregator.offline.world import PARTS, World

LEVELS_KEPT = 1_030  # A side: the deepest subscription there is shows 1,000.
LEVELS_SLACK = 30
PRICE_PART_MIN = 4  # Levels of a coarse tick: at most this part of the ticks down to zero.
TAKES_MAX = 12  # Of one step; a jump beyond it cancels what is in its way.
SHUFFLES_MAX = 7
SPREAD_PARTS = 240  # Of ten million: a dollar and a half of a bitcoin.
SLACK_PART = 4  # A quote may be so much of the spread better than one would make it now.
BASIS_STRIDE = 20  # How far one venue may be from the others: some millionths.
BASIS_PULL = 20
TAPE_LEN_MAX = 1_000  # What lists of the latest trades can ask for.
JOURNAL_LEN_MAX = 4_000  # Changes that can be undone: most of a minute of a book.
LEVEL_WORTH_USD = 20_000
# Every market has a past, so that whoever asks for the latest trades gets some.
PAST_STEPS = 60
PAST_PAUSE_NS = 500_000_000
NS_A_MS = 1_000_000
NS_A_FILL_NUMBER = 10_000_000  # Many more than there are trades.
NS_AN_ID = 100_000


class Listed(NamedTuple):
    """A symbol that a venue lists: its own name, the pair, and the grains of both numbers."""

    symbol: str
    base: str
    quote: str
    tick: Grain
    step: Grain

    @property
    def pair(self) -> str:
        return f"{self.base}/{self.quote}"


class Fill(NamedTuple):
    """A trade: the taker bought, or sold. `number` counts the symbol's trades one by one."""

    number: int
    at_ns: int
    ticks: int
    steps: int
    is_buy: bool
    update_id: int


class Best(NamedTuple):
    """Best bid and ask in ticks, with their quantities, as of an update id."""

    update_id: int
    bid: int
    bid_steps: int
    ask: int
    ask_steps: int


class Undo(NamedTuple):
    update_id: int
    at_ns: int
    is_bid: bool
    key: int
    before: int


@dataclass(slots=True)
class Move:
    """What one step has changed. Levels are by key: a bid's ticks, an ask's ticks below zero."""

    market: "Market"
    at_ns: int
    previous_id: int
    first_id: int = 0
    last_id: int = 0
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    bids_before: Levels = field(default_factory=dict)
    asks_before: Levels = field(default_factory=dict)
    bests: list[Best] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)


@dataclass(slots=True)
class Shown:
    """What a window's subscribers see of a move; nothing at all if `is_empty`."""

    number: int
    bids: Levels
    asks: Levels
    fallen_bids: list[int]
    fallen_asks: list[int]

    @property
    def is_empty(self) -> bool:
        return not (self.bids or self.asks or self.fallen_bids or self.fallen_asks)


class Window:
    """The best levels of a market, counted: `number` goes up by one with each visible change."""

    def __init__(self, market: "Market", depth: int, number: int) -> None:
        self.depth = depth
        self.number = number
        self.shown = Shown(number, {}, {}, [], [])
        self._bids = Edge(market.bids, depth)
        self._asks = Edge(market.asks, depth)

    def follow(self, move: Move) -> None:
        bids, fallen_bids = self._bids.pass_on(move.bids, move.bids_before)
        asks, fallen_asks = self._asks.pass_on(move.asks, move.asks_before)
        self.shown = Shown(self.number + 1, bids, asks, fallen_bids, fallen_asks)
        if not self.shown.is_empty:
            self.number += 1


class Market:
    """A book, its tape, and the numbers of both."""

    def __init__(self, listed: Listed, world: World, name: str, at_ns: int, *, id_gap: int) -> None:
        self.listed = listed
        self.bids = Ladder()
        self.asks = Ladder()
        self.tape: deque[Fill] = deque(maxlen=TAPE_LEN_MAX)
        self.at_ns = at_ns - PAST_STEPS * PAST_PAUSE_NS - at_ns % NS_A_MS
        self._world = world
        self._chance = Random(f"{world.seed}:{name}:{listed.symbol}")
        self._id_gap = id_gap
        self._basis = 0
        self._journal: deque[Undo] = deque(maxlen=JOURNAL_LEN_MAX)
        self._windows: dict[int, Window] = {}
        # By the time, so that a market begun anew goes on above its old numbers, as real ones do.
        self._fill_number = self.at_ns // NS_A_FILL_NUMBER
        self.last_id = self.at_ns // NS_AN_ID + self._chance.randrange(1_000)
        self._move = Move(self, self.at_ns, self.last_id)
        self._fill_book()
        for steps_left in range(PAST_STEPS, 0, -1):
            self.step(at_ns - steps_left * PAST_PAUSE_NS)

    def window(self, depth: int) -> Window:
        """Return the view of the best levels, the same one for all who ask for this depth."""
        if depth not in self._windows:
            # A number of its own, or a mistake between two depths might go unseen.
            self._windows[depth] = Window(self, depth, self.last_id // 1_000 + depth)
        return self._windows[depth]

    def step(self, at_ns: int) -> Move:
        """Let a moment pass; each step has a millisecond of its own, later than the last one."""
        self.at_ns = max(at_ns - at_ns % NS_A_MS, self.at_ns + NS_A_MS)
        move = self._move = Move(self, self.at_ns, self.last_id)
        low, high = self._wanted_touch()
        self._follow(low, high)
        if not self._chance.randrange(6):
            self._take(self._chance.randrange(2) == 1, 1 + self._chance.randrange(2))
        self._withdraw(low, high)
        self._quote(low, high)
        for _ in range(1 + self._chance.randrange(SHUFFLES_MAX)):
            self._shuffle()
        self._keep_size(self.bids)
        self._keep_size(self.asks)
        for window in self._windows.values():
            window.follow(move)
        return move

    def best(self) -> Best:
        """Return the touch; a book of a simulation always has one."""
        bid, ask = self.bids.keys[-1], self.asks.keys[-1]
        return Best(self.last_id, bid, self.bids.quantities[bid], -ask, self.asks.quantities[ask])

    def book_at(self, update_id: int) -> tuple[Levels, Levels]:
        """Return bids and asks by ticks as they were after a number; raises LookupError if that is
        longer ago than is kept.
        """
        return self._undone(undo for undo in reversed(self._journal) if undo.update_id > update_id)

    def book_at_time(self, at_ns: int) -> tuple[Levels, Levels]:
        """Return bids and asks by ticks as they were after the last step up to a time."""
        return self._undone(undo for undo in reversed(self._journal) if undo.at_ns > at_ns)

    def undos(self) -> Iterator[Undo]:
        """Return what leads back from the book as it is now, the latest change first."""
        return reversed(self._journal)

    def _undone(self, undos: Iterable[Undo]) -> tuple[Levels, Levels]:
        sides = (dict(self.asks.quantities), dict(self.bids.quantities))
        count = 0
        for undo in undos:
            sides[undo.is_bid][undo.key] = undo.before
            count += 1
        if count == JOURNAL_LEN_MAX:
            raise LookupError("The book of then is longer ago than is kept.")
        asks, bids = sides
        return (
            {key: left for key, left in bids.items() if left},
            {-key: left for key, left in asks.items() if left},
        )

    def _wanted_touch(self) -> tuple[int, int]:
        listed = self.listed
        self._basis += self._chance.randint(-BASIS_STRIDE, BASIS_STRIDE) - self._basis // BASIS_PULL
        fair = self._world.fair(listed.base, listed.quote, self.at_ns)
        low = listed.tick.count(fair + fair * (self._basis - SPREAD_PARTS // 2) // PARTS)
        return low, low + max(1, listed.tick.count(fair * SPREAD_PARTS // PARTS))

    def _follow(self, low: int, high: int) -> None:
        for is_buy, side, limit in ((True, self.asks, -low), (False, self.bids, high)):
            takes = 0
            while side.keys and side.keys[-1] >= limit:
                if takes < TAKES_MAX:
                    self._take_level(is_buy, side)
                else:
                    self._put(side, side.keys[-1], 0)
                takes += 1

    def _take(self, is_buy: bool, levels: int) -> None:
        side = self.asks if is_buy else self.bids
        for _ in range(levels - 1):
            self._take_level(is_buy, side)
        key = side.keys[-1]
        there = side.quantities[key]
        self._fill(is_buy, side, key, 1 + self._chance.randrange(there))

    def _take_level(self, is_buy: bool, side: Ladder) -> None:
        key = side.keys[-1]
        self._fill(is_buy, side, key, side.quantities[key])

    def _fill(self, is_buy: bool, side: Ladder, key: int, steps: int) -> None:
        self._put(side, key, side.quantities[key] - steps)
        self._fill_number += 1
        fill = Fill(self._fill_number, self.at_ns, abs(key), steps, is_buy, self.last_id)
        self.tape.append(fill)
        self._move.fills.append(fill)

    def _withdraw(self, low: int, high: int) -> None:
        # Who stayed when the price went away is too near to the other side by now.
        slack = (high - low) // SLACK_PART
        for side, limit in ((self.bids, low + slack), (self.asks, slack - high)):
            while side.keys and side.keys[-1] > limit:
                self._put(side, side.keys[-1], 0)

    def _quote(self, low: int, high: int) -> None:
        for side, key in ((self.bids, low), (self.asks, -high)):
            if not side.keys or side.keys[-1] < key:
                self._put(side, key, self._quantity())

    def _shuffle(self) -> None:
        side = self.bids if self._chance.randrange(2) else self.asks
        # The least of three chances: most of what happens is near the touch.
        place = min(self._chance.randrange(len(side.keys)) for _ in range(3))
        key = side.keys[-1 - place]
        kind = self._chance.randrange(4)
        if kind == 0:
            self._put(side, key - 1, self._quantity())
        elif kind == 1 and place:
            self._put(side, key, 0)
        else:
            self._put(side, key, self._quantity())

    def _fill_book(self) -> None:
        low, high = self._wanted_touch()
        self._quote(low, high)
        self._keep_size(self.bids)
        self._keep_size(self.asks)

    def _keep_size(self, side: Ladder) -> None:
        best = side.keys[-1]
        kept = min(LEVELS_KEPT, abs(best) // PRICE_PART_MIN)
        # Room between the levels, wider the finer the tick: a side spans two hundredths or so.
        room = 1 + abs(best) // (LEVELS_KEPT * 25)
        span = kept * (1 + room) * 5 // 8 + 1
        while side.keys[0] < best - span:
            self._put(side, side.keys[0], 0)
        # Anywhere in the span: at its far end alone, the book would hollow out in minutes.
        while len(side.keys) < kept:
            key = best - 1 - self._chance.randrange(span)
            if key not in side.quantities:
                self._put(side, key, self._quantity())
        while len(side.keys) > kept + LEVELS_SLACK:
            self._put(side, side.keys[0], 0)

    def _quantity(self) -> int:
        listed = self.listed
        fair = self._world.fair(listed.base, listed.quote, self.at_ns)
        typical = max(10, whole(LEVEL_WORTH_USD) * whole(1) // fair // listed.step.units)
        part = min(self._chance.randrange(typical) for _ in range(2))
        return 1 + part * (10 if not self._chance.randrange(12) else 1)

    def _put(self, side: Ladder, key: int, quantity: int) -> None:
        move, is_bid = self._move, side is self.bids
        self.last_id += 1 + (self._chance.randrange(self._id_gap) if self._id_gap else 0)
        move.first_id = move.first_id or self.last_id
        move.last_id = self.last_id
        was_best = not side.keys or key >= side.keys[-1]
        before = side.put(key, quantity)
        self._journal.append(Undo(self.last_id, self.at_ns, is_bid, key, before))
        changed, befores = (
            (move.bids, move.bids_before) if is_bid else (move.asks, move.asks_before)
        )
        changed[key] = quantity
        befores.setdefault(key, before)
        if was_best and self.bids.keys and self.asks.keys:
            move.bests.append(self.best())
