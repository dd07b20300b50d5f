"""Percentiles that are nearly right in little memory, of what happened lately."""

import random

from aggregator.metrics.histogram import (
    PENDING_MAX,
    SLICE_NS,
    SLICES,
    VALUE_MAX,
    Histogram,
    Percentiles,
    bucket_of,
    middle_of,
)


def test_nothing_measured_is_all_zero() -> None:
    assert Histogram().percentiles() == Percentiles()


def test_percentiles_are_within_a_32nd_of_the_truth() -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    values = sorted(int(chance.lognormvariate(9, 2)) for _ in range(5_000))
    histogram = Histogram()
    for value in chance.sample(values, len(values)):
        histogram.add(value)
    said = histogram.percentiles()
    assert (said.count, said.min, said.max) == (5_000, values[0], values[-1])
    assert said.mean == sum(values) // 5_000
    for share, ns in ((50, said.p50), (95, said.p95), (99, said.p99)):
        truth = values[5_000 * share // 100 - 1]
        assert abs(ns - truth) * 32 <= truth, (seed, share, ns, truth)


def test_small_values_are_exact_and_every_value_has_a_bucket_of_its_size() -> None:
    for value in [*range(200), *(1 << bit for bit in range(8, 40)), VALUE_MAX]:
        middle = middle_of(bucket_of(value))
        assert abs(middle - value) * 32 <= value
        if value < 32:
            assert middle == value
    numbers = [bucket_of(value) for value in range(5_000)]
    assert numbers == sorted(numbers)


def test_one_value_is_every_percentile() -> None:
    histogram = Histogram()
    histogram.add(123_457)
    assert histogram.percentiles() == Percentiles(1, *[123_457] * 6)


def test_a_clock_that_was_set_back_and_an_eternity_are_counted_at_the_ends() -> None:
    histogram = Histogram()
    histogram.add(-5)
    histogram.add(VALUE_MAX * 2)
    said = histogram.percentiles()
    assert (said.min, said.max, said.count) == (0, VALUE_MAX, 2)


def test_what_is_older_than_the_window_is_forgotten_slice_by_slice() -> None:
    histogram = Histogram()
    for at in range(SLICES + 2):
        histogram.slide(SLICE_NS * (at + 1))
        histogram.add(at + 1)
    said = histogram.percentiles()
    assert (said.count, said.min, said.max) == (SLICES, 3, SLICES + 2)
    assert histogram.total == SLICES + 2


def test_after_a_long_pause_nothing_old_is_shown() -> None:
    histogram = Histogram()
    histogram.slide(1)
    histogram.add(1)
    histogram.slide(1 + SLICE_NS * SLICES * 3)
    assert histogram.percentiles().count == 0


def test_the_report_is_in_whole_microseconds_rounded_up() -> None:
    said = Percentiles(3, 1_001, 1, 2_000, 1_000, 1_999, 2_000).in_us()
    assert said == {"count": 3, "mean": 2, "min": 1, "max": 2, "p50": 1, "p95": 2, "p99": 2}


def test_whatever_was_added_counts_at_once_whether_or_not_somebody_has_looked() -> None:
    histogram = Histogram()
    for number in range(1, PENDING_MAX + 101):
        histogram.add(number)
        assert histogram.total == number
    said = histogram.percentiles()
    assert (said.count, said.min, said.max) == (PENDING_MAX + 100, 1, PENDING_MAX + 100)
    assert said.mean == (PENDING_MAX + 101) // 2
    assert histogram.total == PENDING_MAX + 100
