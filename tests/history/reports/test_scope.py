"""Days and moments as people write them."""

import pytest

from history.reports.form import time_text
from history.reports.scope import EVER_NS, Scope, ScopeError, asked, day_ns, moment_ns, stretch

DAY_NS = 86_400_000_000_000
SPRING_NS = 20_513 * DAY_NS  # 2026-03-01.


def test_a_day_is_of_utc() -> None:
    assert day_ns("1970-01-01") == 0
    assert day_ns("2026-03-01") == SPRING_NS
    assert time_text(SPRING_NS) == "2026-03-01T00:00:00.000000000Z"


@pytest.mark.parametrize(
    "text",
    ["", "2026-3-1", "20260301", "2026-02-29", "2026-W01-1", "1969-12-31", "2262-01-01", "today"],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ScopeError):
        day_ns(text)


@pytest.mark.parametrize(
    ("text", "after_ns"),
    [
        ("2026-03-01T00:00:00", 0),
        ("2026-03-01 00:00:01Z", 10**9),
        ("2026-03-01T00:00:00.5Z", 500_000_000),
        ("2026-03-01T23:59:59.999999999Z", DAY_NS - 1),
    ],
)
def test_a_moment_is_to_the_nanosecond(text: str, after_ns: int) -> None:
    assert moment_ns(text) == SPRING_NS + after_ns


@pytest.mark.parametrize(
    "text",
    ["2026-03-01", "2026-03-01T24:00:00", "2026-03-01T12:00:00+01:00", "2026-13-01T00:00:00Z"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ScopeError):
        moment_ns(text)


def test_both_ends_of_a_stretch_are_meant() -> None:
    assert stretch(None, None, None) == (0, EVER_NS)
    assert stretch("2026-03-01", "2026-03-01", None) == (SPRING_NS, SPRING_NS + DAY_NS)
    at = stretch("2026-03-01", None, "2026-03-01T00:00:00Z")
    assert at == (SPRING_NS, SPRING_NS + 1)


@pytest.mark.parametrize(
    ("first", "last", "at"),
    [("2026-03-02", "2026-03-01", None), (None, "2026-03-01", "2026-03-01T00:00:00Z")],
)
def test_a_stretch_that_makes_no_sense_is_refused(first: str, last: str, at: str) -> None:
    with pytest.raises(ScopeError):
        stretch(first, last, at)


def test_what_was_asked_is_said_and_nothing_else() -> None:
    assert asked(Scope()) == ()
    scope = Scope(SPRING_NS, EVER_NS, "BTC_USD", 0)
    assert asked(scope) == (
        ("from", "2026-03-01T00:00:00.000000000Z"),
        ("market", "BTC_USD"),
        ("account", "0"),
    )
