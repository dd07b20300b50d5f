"""When the history is told to be ready: not once and for ever."""

import msgspec
import pytest

from history.health import LAG_EVENTS_MAX, Health, is_ready

WELL = Health(
    state="stream",
    reason="",
    since_s=0.0,
    is_caught_up=True,
    sequence=7,
    watermark_ns=7,
    lag_events=0,
    lag_s=0.0,
)


def test_one_that_follows_is_ready() -> None:
    assert is_ready(WELL)
    assert is_ready(msgspec.structs.replace(WELL, lag_events=LAG_EVENTS_MAX))


@pytest.mark.parametrize(
    "trouble",
    [
        {"is_caught_up": False},
        {"state": "database_away", "reason": "It does not answer."},
        {"state": "missing", "reason": "Events 8 to 9 are nowhere."},
        {"lag_events": LAG_EVENTS_MAX + 1},
    ],
)
def test_one_that_was_well_once_and_is_in_trouble_is_not(trouble: dict[str, object]) -> None:
    assert not is_ready(msgspec.structs.replace(WELL, **trouble))
