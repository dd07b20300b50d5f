"""The table says what was measured, and a single fault is seen in it."""

import pytest

from rialto.load.feed.rows import Series
from rialto.load.table import Row


def series(**figures: float) -> Series:
    made = Series((1, 10), 50, 40)
    for name, figure in figures.items():
        made.note(name.replace("_", " "), figure)
    return made


def row(made: Series, words: str) -> Row:
    [found] = [one for one in made.rows() if words in one.what]
    return found


def sound(**figures: float) -> Series:
    none = {"faults": 0, "cut": 0, "undelivered": 0, "unknown": 0, "messages": 5, "others": 1}
    return series(**{**none, **figures})


def test_what_was_not_measured_has_no_rows() -> None:
    assert not [one for one in sound().rows() if "storm" in one.what]
    stormed = sound(storm_s=3, storm_rss=90)
    assert row(stormed, "storm of 50").reached is True
    assert not [one for one in stormed.rows() if "fan-out" in one.what]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("faults", "gaps, wrong checksums"),
        ("cut", "connections cut"),
        ("undelivered", "not at the end"),
        ("unknown", "nobody published"),
    ],
)
def test_one_fault_in_one_round_is_not_outvoted(name: str, words: str) -> None:
    made = sound()
    assert row(made, words).reached is True
    for figure in (0, 1, 0, 0):
        made.note(name, figure)
    assert (row(made, words).value, row(made, words).reached) == (1, False)


def test_others_are_late_by_the_stalled_only_beyond_what_they_are_without() -> None:
    made = sound(stall_with_p99=2.0)
    for late_ms in (1.5, 2.2):
        made.note("stall without p99", late_ms)
    for turn, name in ((0, "with"), (0, "without"), (1, "with")):
        made.note(f"stall rss {name} {turn}", 70)
    made.note("stall lagged", 0)
    assert row(made, "the others' p99").reached is True
    made.note("stall with p99", 9.0)
    assert row(made, "the others' p99").reached is False
