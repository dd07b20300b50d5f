"""Deaths at one command: when to go on, how carefully, and when to stop for good."""

import pytest

from engine.attempts import DEATHS_MAX, Plan, plan_start

BATCH_MAX = 512


@pytest.mark.parametrize("counted_n", [0, 7, 10])
def test_what_was_survived_asks_for_no_care(counted_n: int) -> None:
    assert plan_start(10, counted_n, 2, BATCH_MAX) == Plan()


def test_a_count_ahead_asks_for_single_steps_from_there_on() -> None:
    plan = plan_start(10, 14, 1, BATCH_MAX)
    assert plan.halt_at == 0
    assert [plan.is_careful(n) for n in (13, 14, 522, 523)] == [False, True, True, False]
    assert plan.count_max(10, BATCH_MAX) == 3, "the entries before the suspect go together"
    assert plan.count_max(13, BATCH_MAX) == 1
    assert plan.count_max(522, BATCH_MAX) == BATCH_MAX


def test_the_third_death_halts() -> None:
    assert plan_start(10, 14, DEATHS_MAX - 1, BATCH_MAX).halt_at == 0
    assert plan_start(10, 14, DEATHS_MAX, BATCH_MAX).halt_at == 14
