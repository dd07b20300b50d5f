"""Where intervals begin is what a calendar says."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from history.projection.intervals import INTERVALS_S, SECOND_NS, WEEK_S, close_of, open_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("1s", "2026-11-21T17:33:59+00:00"),
        ("1m", "2026-11-21T17:33:00+00:00"),
        ("5m", "2026-11-21T17:30:00+00:00"),
        ("15m", "2026-11-21T17:30:00+00:00"),
        ("1h", "2026-11-21T17:00:00+00:00"),
        ("4h", "2026-11-21T16:00:00+00:00"),
        ("1d", "2026-11-21T00:00:00+00:00"),
        ("1w", "2026-11-16T00:00:00+00:00"),  # A Monday.
    ],
)
def test_an_interval_begins_where_the_calendar_says(name: str, begin: str) -> None:
    moment = at("2026-11-21T17:33:59.999999+00:00") + 999
    assert open_of(moment, INTERVALS_S[name]) == at(begin)


@pytest.mark.parametrize("interval_s", INTERVALS_S.values())
def test_a_boundary_belongs_to_what_begins_there(interval_s: int) -> None:
    begin = open_of(at("2026-11-21T17:33:59+00:00"), interval_s)
    assert open_of(begin, interval_s) == begin
    assert open_of(begin - 1, interval_s) == begin - interval_s * SECOND_NS
    assert open_of(close_of(begin, interval_s) - 1, interval_s) == begin
    assert open_of(close_of(begin, interval_s), interval_s) == close_of(begin, interval_s)


def test_weeks_begin_on_monday_in_any_year(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        begin = open_of(random.randrange(2**62), WEEK_S) // SECOND_NS
        day = EPOCH + timedelta(seconds=begin)
        assert (day.weekday(), day.hour, day.minute, day.second) == (0, 0, 0, 0)


def test_each_interval_is_made_of_whole_shorter_ones() -> None:
    lengths = list(INTERVALS_S.values())
    assert lengths == sorted(lengths)
    assert all(
        longer % shorter == 0 for longer in lengths for shorter in lengths if shorter < longer
    )
