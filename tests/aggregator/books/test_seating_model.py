"""Trades on connections that are cut, fall silent, lose frames and relieve each other, with times
that are damaged: what is told, and what is told to be missing, is everything.

The rule of this file: chance has a seed; the venue has its own list of trades, and only ends are
compared. No frame is lost where nothing could show it.
"""

from collections import deque
from random import Random

import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.effects import Close, Fetch, Renew, Send
from aggregator.protocol import NONE, BookUpdate, Goodbye, SnapshotFrom, TradeUpdate, Update
from shared.messages import Side
from tests.support.json_venue import (
    INSTRUMENTS,
    SECOND_NS,
    book,
    make_connector,
    make_manifest,
    snapshot,
)

RUNS = 600
# Short, so that one loss counted twice does not hide another one that is not counted.
STEPS_MAX = 100
QUIET_STEPS = 150  # At the end: no fault, and answers to all questions.
STEP_NS = SECOND_NS // 2
FAR_NS = 10**18


class Line:
    """A connection. `trouble` is the number of what has gone wrong and was not noticed yet."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.queue: deque[Update] = deque()
        self.has_trades = False  # The topic was taken.
        self.is_silent = False
        self.is_whole = False  # A gap in its book would show.
        self.trouble = 0


class Day:
    """One symbol at a venue, and the desk that follows it."""

    def __init__(self, seed: int, *, has_numbers: bool) -> None:
        self.chance = Random(seed)
        self._has_numbers = has_numbers
        manifest = make_manifest(snapshot_from=SnapshotFrom.STREAM, stale_s=10**6)
        self.desk = Desk(make_connector(), manifest, ("BTC/USDT",), DeskOptions(), INSTRUMENTS[:1])
        self.told: list[int] = []
        self.trouble_of: dict[int, int] = {}  # Of trades that a connection did not bring.
        self._list_len = self.chance.choice((5, 20, 60))
        self._lag = self.chance.randrange(3)  # Trades that its list is behind its stream.
        self._past: deque[TradeUpdate] = deque(maxlen=1_000)
        self._at_ns = 1_000 * SECOND_NS
        self._number = 1_000
        self._lines: list[Line] = []
        self._last_line = self._troubles = 0
        self._trouble = 0  # Of the connection that was lost last.
        self._fetches: list[Fetch] = []
        self._has_far = False

    def step(self, *, is_quiet: bool = False) -> None:
        """Let something happen; faults only where it is not quiet."""
        self._at_ns += STEP_NS
        if not self._lines and (is_quiet or self.chance.randrange(4) == 0):
            self._open()
        self._trade()
        for line in list(self._lines):
            if not is_quiet:
                self._go_wrong(line)
            self._carry(line, is_quiet=is_quiet)
        self.desk.tick(self._at_ns)
        self._serve(is_quiet=is_quiet)
        self.told += [int(trade.trade_id) for trade in self.desk.take_trades()]

    # What the venue does.

    def _open(self) -> None:
        self._last_line += 1
        line = Line(self._last_line)
        self.desk.opened(line.number, self.desk.plans[0], self._at_ns)
        line.queue.append(self._snapshot())
        self._lines.append(line)

    def _snapshot(self) -> BookUpdate:
        return snapshot(self._number, "1@99", "1@101")

    def _trade(self) -> None:
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            self._number += 1
            self._past.append(self._new_trade())
            change = book(self._number, self._number, f"{self._number}@99")
            pair: list[Update] = [self._past[-1], change]
            self.chance.shuffle(pair)
            self._blame(self._number, self._trouble)
            for line in self._lines:
                updates: list[Update] = pair if line.has_trades else [change]
                if line.is_silent:
                    self._lose(line, updates)
                else:
                    line.queue.extend(updates)

    def _new_trade(self) -> TradeUpdate:
        # Some are of one moment. Two far times in a row would be the venue's clock.
        at_ns = self._at_ns // SECOND_NS * SECOND_NS
        self._has_far = not self._has_far and self.chance.randrange(50) == 0
        at_ns += FAR_NS * self._has_far
        number = self._number if self._has_numbers else NONE
        return TradeUpdate("BTCUSDT", str(self._number), "100", "1", Side.BUY, at_ns, number)

    def _go_wrong(self, line: Line) -> None:
        chance = self.chance.randrange(200)
        if chance < 3:
            self._cut(line)
        elif chance < 6 or (chance < 40 and line is not self._lines[-1]):
            line.is_silent = True  # One that is being relieved rather more often.
        elif chance < 12:
            self.desk.take_parsed(line.number, [Goodbye("Now.")], self._at_ns)
        elif chance < 19 and line.is_whole:
            self._drop(line)
        elif line.is_silent and chance < 40:
            self._cut(line)

    def _drop(self, line: Line) -> None:
        """Lose some frames, one of the book among them: else nothing could show it."""
        count = self.chance.randrange(1, 8)
        lost = [line.queue.popleft() for _ in range(min(count, len(line.queue)))]
        if any(isinstance(update, BookUpdate) for update in lost):
            self._lose(line, lost)
            line.is_whole = False
        else:
            line.queue.extendleft(reversed(lost))

    def _lose(self, line: Line, updates: list[Update]) -> None:
        if not line.trouble:
            self._troubles += 1
            line.trouble = self._troubles
        for update in updates:
            if isinstance(update, TradeUpdate):
                self._blame(int(update.trade_id), line.trouble)

    def _blame(self, number: int, trouble: int) -> None:
        self.trouble_of[number] = trouble

    def _cut(self, line: Line) -> None:
        self._lines.remove(line)
        self._lose(line, list(line.queue))
        self._trouble = line.trouble
        self.desk.closed(line.number, "1006", self._at_ns)

    def _carry(self, line: Line, *, is_quiet: bool) -> None:
        """Bring what is on its way, slowly; and take the subscription of trades, some day."""
        if line not in self._lines or line.is_silent:
            if is_quiet and line in self._lines:
                self._cut(line)
            return
        line.has_trades |= self.chance.randrange(2) == 0
        count = len(line.queue) if is_quiet else self.chance.randrange(8)
        for _ in range(min(count, len(line.queue))):
            update = line.queue.popleft()
            self.desk.take_parsed(line.number, [update], self._at_ns)
            if isinstance(update, BookUpdate) and update.is_snapshot:
                line.is_whole, line.trouble = True, 0

    # What the desk wishes.

    def _serve(self, *, is_quiet: bool) -> None:
        for effect in self.desk.take_effects():
            if isinstance(effect, Fetch):
                self._fetches.append(effect)
            elif isinstance(effect, Renew):
                self._open()
            else:
                self._serve_line(effect)
        for fetch in list(self._fetches):
            if is_quiet or self.chance.randrange(3) == 0:
                self._fetches.remove(fetch)
                known = list(self._past)[: len(self._past) - self._lag]
                self.desk.answered_parsed(fetch.ticket, known[-self._list_len :], self._at_ns)

    def _serve_line(self, effect: object) -> None:
        assert isinstance(effect, (Close, Send)), effect
        for line in list(self._lines):
            if line.number != effect.connection:
                continue
            if isinstance(effect, Close):
                self._cut(line)
            else:
                line.queue.append(self._snapshot())


def count_losses(missing: set[int], trouble_of: dict[int, int]) -> int:
    """Return how many losses there were at least: stretches that share no trouble."""
    count, seen = 0, set[int]()
    for number in sorted(missing):
        trouble = trouble_of[number]
        is_new = number - 1 not in missing and trouble not in seen
        count += is_new
        seen.add(trouble)
    return count


@pytest.mark.parametrize("has_numbers", [True, False])
def test_what_a_desk_does_not_tell_is_told_to_be_missing(has_numbers: bool) -> None:
    lost = 0
    for seed in range(RUNS):
        day = Day(seed, has_numbers=has_numbers)
        for _ in range(day.chance.randrange(STEPS_MAX)):
            day.step()
        for _ in range(QUIET_STEPS):
            day.step(is_quiet=True)

        listing = day.desk.listings["BTC/USDT"]
        if not day.told:
            continue
        assert len(day.told) == len(set(day.told)), f"seed {seed}: a trade is told twice"
        # One from before the first may be told too: when it was is not known if its time is wrong.
        missing = set(range(day.told[0], max(day.told) + 1)) - set(day.told)
        lost += len(missing)
        assert not listing.tape.is_missing, f"seed {seed}"
        if has_numbers:
            assert listing.counts.trades_missed == len(missing), f"seed {seed}"
        else:
            losses = count_losses(missing, day.trouble_of)
            assert losses <= listing.counts.trade_gaps, f"seed {seed}: {sorted(missing)}"
    assert lost, "nothing was ever lost, so nothing is proven"
