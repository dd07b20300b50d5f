"""How long to wait, and when to stop."""

import random

import pytest

from aggregator.feed.patience import Backoff, Breaker, Stance


def stance_of(breaker: Breaker) -> Stance:
    return breaker.stance  # Asked anew each time; a type checker takes it for the same.


def test_the_bound_doubles_with_each_failure_up_to_the_cap_and_success_forgets() -> None:
    backoff = Backoff(random.Random(1), first_s=1, max_s=5)
    bounds = []
    for _ in range(5):
        backoff.failed()
        bounds.append(backoff.bound_s)
    assert bounds == [1, 2, 4, 5, 5]
    backoff.succeeded()
    assert backoff.bound_s == 0
    backoff.failed()
    assert backoff.bound_s == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_wait_is_anything_up_to_the_bound(seed: int) -> None:
    source = random.Random(seed)
    waits = []
    for _ in range(200):
        backoff = Backoff(source, first_s=1, max_s=1)
        waits.append(backoff.failed())
    assert 0 <= min(waits) < 0.1, seed
    assert 0.9 < max(waits) <= 1, seed


def test_the_bound_stays_the_cap_after_a_thousand_failures() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(1_000):
        assert backoff.failed() <= 30
    assert backoff.bound_s == 30


def test_a_breaker_opens_after_failures_in_a_row_and_rests() -> None:
    breaker = Breaker(failures_max=3, pause_s=10)
    for _ in range(2):
        assert breaker.try_now(0)
        breaker.failed(0)
    assert stance_of(breaker) is Stance.CLOSED
    breaker.failed(0)
    assert stance_of(breaker) is Stance.OPEN
    assert breaker.opened == 1
    assert breaker.wait_s(4) == 6
    assert not breaker.try_now(9.9)


def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(failures_max=2, pause_s=10)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(0)
    assert stance_of(breaker) is Stance.CLOSED


def test_after_the_rest_one_tries_for_all_and_its_outcome_counts() -> None:
    breaker = Breaker(failures_max=1, pause_s=10)
    breaker.failed(0)
    assert breaker.try_now(10)
    assert stance_of(breaker) is Stance.HALF_OPEN
    assert not breaker.try_now(10)
    breaker.failed(11)
    assert stance_of(breaker) is Stance.OPEN
    assert breaker.wait_s(11) == 10
    assert breaker.try_now(21)
    breaker.succeeded()
    assert stance_of(breaker) is Stance.CLOSED
    assert breaker.opened == 2


def test_a_probe_whose_outcome_is_never_told_leaves_its_turn_after_another_pause() -> None:
    breaker = Breaker(failures_max=1, pause_s=10)
    breaker.failed(0)
    assert breaker.try_now(10)
    assert not breaker.try_now(19)
    assert breaker.wait_s(19) == 1
    assert breaker.try_now(20)


def test_failures_of_those_that_were_under_way_do_not_make_the_pause_longer() -> None:
    breaker = Breaker(failures_max=1, pause_s=10)
    breaker.failed(0)
    breaker.failed(5)
    assert breaker.wait_s(5) == 5
    assert breaker.opened == 1
