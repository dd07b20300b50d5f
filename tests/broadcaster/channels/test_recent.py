"""What changed lately, pure: each price once, and never a hole that nobody sees."""

import random

from broadcaster.channels.recent import RecentChanges


def test_each_price_is_said_once_whatever_happened_to_it() -> None:
    recent = RecentChanges(10)
    for sequence, key in enumerate((1, 2, 1, 1, 3), start=11):
        recent.note(key, sequence, str(key))
    assert recent.since(10, 9) == {1: "1", 2: "2", 3: "3"}
    assert recent.since(12, 9) == {1: "1", 3: "3"}
    assert recent.since(14, 9) == {3: "3"}
    assert recent.since(15, 9) == {}
    assert recent.since(9, 9) is None, "what was before the load is not known"


def test_more_than_is_asked_for_is_nothing() -> None:
    recent = RecentChanges()
    for key in range(5):
        recent.note(key, key + 1, str(key))
    assert recent.since(0, 4) is None
    assert len(recent.since(0, 5) or {}) == 5


def test_what_is_forgotten_is_known_to_be_forgotten() -> None:
    seed = 5
    draw, recent = random.Random(seed), RecentChanges(0, prices_max=20)
    said: list[tuple[int, int]] = []
    refused = 0
    for sequence in range(1, 2_000):
        for _ in range(draw.randint(1, 3)):
            key = min(int(draw.expovariate(0.1)), 60)
            recent.note(key, sequence, str(key))
            said.append((sequence, key))
        assert len(recent) <= 20
        after = sequence - draw.randint(0, 30)
        prices = recent.since(after, 1_000)
        refused += prices is None
        if prices is not None:
            assert prices.keys() == {key for at, key in said[-200:] if at > after}, seed
    assert 100 < refused < 1_900, "either nothing or everything was forgotten: it proves little"


def test_no_more_is_kept_than_a_part_of_what_there_is_and_the_latest_of_it() -> None:
    recent = RecentChanges()
    for key in range(2_000):
        recent.note(key, key + 1, str(key))
    recent.keep_part_of(levels_count=2_000)
    assert len(recent) == 500
    assert not recent.knows(1_499)
    assert list(recent.since(1_500, 2_000) or {}) == list(range(1_999, 1_499, -1))

    recent.keep_part_of(levels_count=10)
    assert len(recent) == 250, "of a small book there is always some room"
