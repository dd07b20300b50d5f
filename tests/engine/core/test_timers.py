"""Timers by themselves: what comes up when, and that the past leaves no trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.timers import TimerId, TimerKind, Timers

MARKET, ACCOUNT, ORDER = TimerKind.MARKET_STATUS, TimerKind.ACCOUNT, TimerKind.ORDER_EXPIRY

Key = tuple[TimerKind, TimerId]


def timers_of(*rows: tuple[TimerKind, TimerId, int]) -> Timers:
    timers = Timers()
    for kind, timer_id, due_ns in rows:
        timers.set(kind, timer_id, due_ns)
    return timers


def popped(timers: Timers, now_ns: int) -> list[Key]:
    due: list[Key] = []
    while (key := timers.pop_due(now_ns)) is not None:
        due.append(key)
    return due


def test_without_timers_nothing_is_due() -> None:
    timers = Timers()
    assert timers.next_due_ns() is None
    assert timers.pop_due(10**30) is None


def test_the_oldest_comes_first_then_the_kind_then_the_id() -> None:
    timers = timers_of(
        (ORDER, 10, 7),
        (ORDER, 9, 7),
        (ACCOUNT, 300, 7),
        (MARKET, "ETH_USD", 7),
        (MARKET, "BTC_USD", 7),
        (ORDER, 99, 6),
        (ORDER, 1, 8),
    )
    assert timers.next_due_ns() == 6
    assert popped(timers, 5) == []
    in_order = [(ORDER, 99), (MARKET, "BTC_USD"), (MARKET, "ETH_USD"), (ACCOUNT, 300)]
    assert popped(timers, 7) == [*in_order, (ORDER, 9), (ORDER, 10)]
    assert timers.next_due_ns() == 8
    assert len(timers) == 1


@pytest.mark.parametrize(("first_ns", "then_ns"), [(5, 9), (9, 5), (5, 5)])
def test_a_timer_set_again_is_due_once_at_its_new_time(first_ns: int, then_ns: int) -> None:
    timers = timers_of((ACCOUNT, 1, first_ns), (ACCOUNT, 1, then_ns))
    assert timers.due_ns(ACCOUNT, 1) == timers.next_due_ns() == then_ns
    assert popped(timers, then_ns - 1) == []
    assert popped(timers, 100) == [(ACCOUNT, 1)]


def test_a_timer_set_back_to_where_it_was_is_due_once() -> None:
    timers = timers_of((ACCOUNT, 1, 5), (ACCOUNT, 1, 9), (ACCOUNT, 1, 5))
    assert popped(timers, 100) == [(ACCOUNT, 1)]


def test_a_cleared_timer_is_never_due() -> None:
    timers = timers_of((ORDER, 1, 5), (ORDER, 2, 6))
    timers.clear(ORDER, 1)
    timers.clear(ORDER, 1)
    assert timers.due_ns(ORDER, 1) is None
    assert timers.next_due_ns() == 6
    assert popped(timers, 5) == []
    timers.clear(ORDER, 2)
    assert timers.next_due_ns() is None


def test_dead_timers_do_not_pile_up() -> None:
    timers = timers_of((ORDER, 1, 10**9))
    for number in range(10_000):
        timers.set(ACCOUNT, 1, 10**12 + number)
        timers.set(ORDER, number + 2, 10**15)
        timers.clear(ORDER, number + 2)
    assert len(timers._heap) <= 2 * len(timers) + 64
    assert popped(timers, 10**16) == [(ORDER, 1), (ACCOUNT, 1)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "clear", "pop"]),
        st.sampled_from([(MARKET, "A_B"), (MARKET, "C_D"), (ACCOUNT, 1), (ORDER, 1), (ORDER, 2)]),
        st.integers(0, 5),
    ),
    max_size=200,
)


@given(STEPS)
def test_it_answers_as_a_table_that_is_sorted_whole(steps: list[tuple[str, Key, int]]) -> None:
    timers = Timers()
    naive: dict[Key, int] = {}
    for verb, key, at_ns in steps:
        if verb == "set":
            timers.set(*key, at_ns)
            naive[key] = at_ns
        elif verb == "clear":
            timers.clear(*key)
            naive.pop(key, None)
        else:
            due = [(due_ns, each) for each, due_ns in naive.items() if due_ns <= at_ns]
            expected = min(due, default=(0, None))[1]
            assert timers.pop_due(at_ns) == expected
            if expected is not None:
                del naive[expected]
        assert len(timers) == len(naive)
        assert timers.next_due_ns() == min(naive.values(), default=None)
    restored = timers_of(*((*key, due_ns) for key, due_ns in naive.items()))
    assert popped(restored, 5) == popped(timers, 5)
