"""The machine's clocks."""

import time

from aggregator.feed.clock import Clock


def test_the_one_clock_does_not_go_back_and_the_other_is_the_time_of_day() -> None:
    clock = Clock()
    first_s = clock.monotonic_s()
    assert clock.monotonic_s() >= first_s
    assert abs(clock.unix_ns() - time.time_ns()) < 10**10
