"""Trades of a venue that cuts connections, is slow to take subscriptions and forgets its past: what
is told, and what is told to be missing, is everything.

The rule of this file: chance has a seed; the venue has its own list of trades, and only ends are
compared.
"""

from collections import deque
from random import Random

import pytest

from aggregator.books.tape import Tape
from aggregator.books.words import BookCounts
from aggregator.protocol import NONE, Memory, TradeUpdate
from shared.messages import Side

RUNS = 300
STEPS = 400
FAR_NS = 10**18
QUIET_STEPS = 200  # At the end: no fault, and answers to all questions.


class Venue:
    """One symbol at a venue and the tape that follows it, as a desk and its feed would."""

    def __init__(self, seed: int, *, has_numbers: bool) -> None:
        self.chance = Random(seed)
        self.counts = BookCounts()
        self.tape = Tape("json:spot:BTC/USDT", Memory(1_000), self.counts)
        self.told: list[int] = []
        self._has_numbers = has_numbers
        self._list_len = self.chance.choice((5, 20, 60))
        self._lag = self.chance.randrange(3)  # Trades that its list is behind its stream.
        self._past: deque[int] = deque(maxlen=1_000)
        self._times: dict[int, int] = {}
        self._number = 1_000
        self._time = 1
        self._is_far = False
        self._is_open = self._is_subscribed = False
        self._answer: list[int] | None = None  # On its way.

    def step(self, *, is_quiet: bool = False) -> None:
        """Let something happen; faults only where it is not quiet."""
        chance = self.chance.randrange(100)
        if self._is_open and not is_quiet and chance < 5:
            self._is_open = self._is_subscribed = False
            self._answer = None  # Nobody takes it: it does not have what was lost since.
            self.tape.lose()
        elif not self._is_open and chance < 40:
            self._is_open = True
        elif self._is_open and not self._is_subscribed and chance < 40:
            self._is_subscribed = True
        else:
            self._trade()
        self._look_after_answers(is_quiet=is_quiet)

    def _trade(self) -> None:
        self._number += 1
        self._time += self.chance.randrange(2)  # Some are of one moment.
        self._past.append(self._number)
        # Some times are damaged. Two in a row would be the venue's clock.
        self._is_far = not self._is_far and self.chance.randrange(50) == 0
        self._times[self._number] = self._time + FAR_NS * self._is_far
        if self._is_subscribed:
            trade = self.tape.take(self._update(self._number), self._number)
            self.told += [int(trade.trade_id)] if trade else []

    def _update(self, number: int) -> TradeUpdate:
        counted = number if self._has_numbers else NONE
        at_ns = self._times[number]
        return TradeUpdate("BTCUSDT", str(number), "100", "1", Side.BUY, at_ns, counted)

    def _look_after_answers(self, *, is_quiet: bool) -> None:
        if self._answer is not None and (is_quiet or self.chance.randrange(3) == 0):
            answer, self._answer = self._answer, None
            found = self.tape.take_answer([self._update(one) for one in answer], self._number)
            self.told += [int(trade.trade_id) for trade in found]
        elif self._answer is None and self.tape.is_missing and self._is_open:
            known = list(self._past)[: len(self._past) - self._lag]
            self._answer = known[-self._list_len :]


@pytest.mark.parametrize("has_numbers", [True, False])
def test_what_is_not_told_is_told_to_be_missing(has_numbers: bool) -> None:
    lost = 0
    for seed in range(RUNS):
        venue = Venue(seed, has_numbers=has_numbers)
        for _ in range(STEPS):
            venue.step()
        for _ in range(QUIET_STEPS):
            venue.step(is_quiet=True)

        assert len(venue.told) == len(set(venue.told)), f"seed {seed}: a trade is told twice"
        missing = set(range(venue.told[0], max(venue.told) + 1)) - set(venue.told)
        stretches = [number for number in missing if number - 1 not in missing]
        lost += len(missing)
        assert not venue.tape.is_missing, f"seed {seed}"
        if has_numbers:
            assert venue.counts.trades_missed == len(missing), f"seed {seed}"
        else:
            assert len(stretches) <= venue.counts.trade_gaps, f"seed {seed}: {sorted(missing)}"
    assert lost, "nothing was ever lost, so nothing is proven"
