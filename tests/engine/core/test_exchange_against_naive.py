"""The core and the naive exchange do the same, command by command, on random days.

The rule of this file: two ways to make up a day, one to judge it. The fast one goes through
RIALTO_DAYS seeds from RIALTO_FIRST_DAY on; Hypothesis looks for a short day by itself.
"""

import os
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from shared.messages import Command, Tick
from tests.support.naive.days import TENTH, Day
from tests.support.naive.referee import Referee, difference, shortest

COMMANDS = 300
RESTORES = 0.02  # How often the exchange is replaced by one made from its rows.


def days() -> range:
    """Return the seeds to go through; a hundred days take about 10 s."""
    first = int(os.environ.get("RIALTO_FIRST_DAY", "0"))
    return range(first, first + int(os.environ.get("RIALTO_DAYS", "60")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask the environment while there is one: a test runs without our variables."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", days())
    if "examples" in metafunc.fixturenames:
        metafunc.parametrize("examples", [max(1, len(days()))])


def test_the_core_does_what_the_naive_exchange_does(seed: int) -> None:
    draw, referee = Random(seed), Referee()
    day = Day(draw, referee.naive.world)
    try:
        for command in day.opening():
            referee.apply(command, TENTH)
        for _ in range(COMMANDS):
            referee.apply(*day.next())
            if draw.random() < RESTORES:
                referee.restore()
    except Exception as error:
        error.add_note(f"This was day {seed}. {_shortest(referee)}")
        raise


def _shortest(referee: Referee) -> str:
    if difference(referee.journal) is None:
        return "It goes well without the restores between."
    journal = shortest(referee.journal)
    lines = [f"    ({command!r}, {at_ns})," for command, at_ns in journal]
    return "\n".join(["As little of it as differs:", *lines, f"There: {difference(journal)}"])


# A whole draw from one number: the days stay as wild as the others, and get short all the same.
DRAWS = st.integers(0, 2**64 - 1).map(Random)


class ExchangeMachine(RuleBasedStateMachine):
    """The same days, put together and cut short by Hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.referee = Referee()
        self.day = Day(Random(0), self.referee.naive.world)

    @initialize(draw=DRAWS)
    def a_day_begins(self, draw: Random) -> None:
        self.day = Day(draw, self.referee.naive.world)
        for command in self.day.opening():
            self._apply(command)

    @rule(draw=DRAWS)
    def a_limit_order_comes(self, draw: Random) -> None:
        self._make(draw, self.day.limit)

    @rule(draw=DRAWS)
    def another_limit_order_comes(self, draw: Random) -> None:
        self._make(draw, self.day.limit)

    @rule(draw=DRAWS)
    def a_market_order_comes(self, draw: Random) -> None:
        self._make(draw, draw.choice((self.day.market_order, self.day.by_budget)))

    @rule(draw=DRAWS)
    def a_stop_comes(self, draw: Random) -> None:
        self._make(draw, self.day.stop)

    @rule(draw=DRAWS)
    def a_pair_comes(self, draw: Random) -> None:
        self._make(draw, draw.choice((self.day.oco, self.day.oto)))

    @rule(draw=DRAWS)
    def an_order_is_amended(self, draw: Random) -> None:
        self._make(draw, self.day.amend)

    @rule(draw=DRAWS)
    def orders_are_cancelled(self, draw: Random) -> None:
        self._make(draw, draw.choice((self.day.cancel, self.day.cancel, self.day.cancel_all)))

    @rule(draw=DRAWS)
    def money_moves(self, draw: Random) -> None:
        day = self.day
        self._make(draw, draw.choice((day.funds, day.withdrawal, day.withdrawal, day.pay_out)))

    @rule(draw=DRAWS)
    def an_order_is_only_tested(self, draw: Random) -> None:
        self._make(draw, self.day.test)

    @rule(draw=DRAWS)
    def something_else_comes(self, draw: Random) -> None:
        day = self.day
        self._make(draw, draw.choice((day.administer, day.set_timer, day.nonsense)))

    @rule(tenths=st.integers(1, 12))
    def time_passes(self, tenths: int) -> None:
        self.day.now += tenths * TENTH
        self._apply(Tick())

    @rule()
    def the_exchange_is_restored(self) -> None:
        self.referee.restore()

    def _make(self, draw: Random, make: Callable[[], Command]) -> None:
        self.day.draw = draw
        self._apply(make())

    def _apply(self, command: Command) -> None:
        try:
            self.referee.apply(command, self.day.now)
        except Exception as error:
            lines = [f"    ({entry!r}, {at_ns})," for entry, at_ns in self.referee.journal]
            error.add_note("\n".join(["The day:", *lines]))
            raise


def test_hypothesis_finds_no_day_on_which_they_differ(examples: int) -> None:
    run_state_machine_as_test(
        ExchangeMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=80,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
