"""Sums of a window against sums of everything that is in it."""

import random

from aggregator.analysis.sliding import PARTS, SlidingSums


def test_a_window_holds_its_parts_and_nothing_older() -> None:
    for seed in range(5):
        draw, sums, added, now = random.Random(seed), SlidingSums(1_000, 2), [], 5_000
        for number in range(2_000):
            now += draw.choice((0, 0, 1, 3, 40, 900))
            if draw.random() < 0.7:
                added.append((now, draw.randrange(100)))
                sums.add(now, added[-1][1], 1)
            part = 1_000 // PARTS
            inside = [value for at, value in added if at // part > now // part - PARTS]
            found = sums.sums(now)
            if added and now - added[0][0] >= 1_000:
                assert found == [sum(inside), len(inside)], f"seed {seed}, step {number}"
            else:
                assert found is None


def test_what_is_late_counts_as_now() -> None:
    sums = SlidingSums(1_000, 1)
    sums.add(5_000, 1)
    sums.add(4_000, 2)
    assert sums.sums(6_000) == [0]


def test_memory_is_bounded_however_much_comes() -> None:
    sums = SlidingSums(1_000, 1)
    for at_ns in range(5_000):
        sums.add(at_ns, 1)
    assert [len(parts) for parts in sums._parts] == [PARTS]
