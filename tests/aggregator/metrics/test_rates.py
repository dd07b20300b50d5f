"""Counters become numbers a second."""

from aggregator.metrics import Rates

S = 1_000_000_000


def test_growth_is_told_by_the_second() -> None:
    rates = Rates()
    assert rates.read({"messages": 1_000}, 5 * S) == {"messages": 0}
    assert rates.read({"messages": 1_030}, 7 * S) == {"messages": 15}
    assert rates.read({"messages": 1_031}, 7 * S + S // 2) == {"messages": 2}


def test_a_new_counter_counts_from_nothing_and_no_time_brings_no_rate() -> None:
    rates = Rates()
    rates.read({}, S)
    assert rates.read({"trades": 4}, 2 * S) == {"trades": 4}
    assert rates.read({"trades": 9}, 2 * S) == {"trades": 0}
