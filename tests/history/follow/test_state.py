"""A state is told once, and a trouble keeps its reason for as long as it lasts."""

import pytest

from history.follow.state import Following, State


def test_a_trouble_is_told_once_and_so_is_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    # given
    state = State()
    # when
    for reason in ("first", "second"):
        state.turn(Following.REDIS_AWAY, reason)
    # then
    assert (state.name, state.reason, state.is_trouble) == (Following.REDIS_AWAY, "first", True)
    state.turn(Following.STREAM)
    state.turn(Following.STREAM)
    assert (state.reason, state.is_trouble) == ("", False)
    said = capsys.readouterr().out
    assert said.count("following_waits") == said.count("following_goes_on") == 1
