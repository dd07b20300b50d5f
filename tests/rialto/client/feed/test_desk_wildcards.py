"""What the desk makes of channels that a wildcard has brought, and of the wishes behind them."""

import pytest

from rialto.client.feed.desk import REFUSED_RETRY_S
from tests.rialto.client.feed.test_desk import Line


def _repaired(line: Line, channel: str) -> None:
    """Have a gap in a channel that a wildcard brought, and its repair."""
    assert line.snapshot(1, channel=channel)
    line.delta(9, channel=channel)
    line.later(0)
    line.grant()
    assert line.snapshot(9, channel=channel)


def test_a_wildcard_with_another_wish_holds_for_what_was_repaired_too() -> None:
    line = Line()
    line.subscribe("depth:*", levels=3)
    line.grant()
    _repaired(line, "depth:A")
    line.subscribe("depth:*", levels=5)
    line.grant()
    (off,) = line.heard()
    assert (off["op"], off["channels"]) == ("unsubscribe", ["depth:A"])
    assert line.snapshot(9, channel="depth:A", levels=5)


def test_what_was_repaired_is_left_to_the_wildcard_that_remains() -> None:
    line = Line()
    line.subscribe("depth:*")
    line.subscribe("depth:ext:*", levels=3)
    line.grant()
    _repaired(line, "depth:ext:A")
    line.desk.unsubscribe(["depth:ext:*"], line.answers.append)
    assert [op["channels"] for op in line.heard()] == [["depth:ext:A"], ["depth:ext:*"]]
    assert line.desk.keepers["depth:ext:A"].is_live


def test_a_wildcard_with_another_wish_shows_nothing_before_its_snapshots() -> None:
    line = Line()
    line.subscribe("depth:*")
    line.grant()
    assert line.snapshot(1, channel="depth:A")
    line.subscribe("depth:*", levels=5)
    line.grant()
    assert not line.delta(2, channel="depth:A")
    assert line.snapshot(2, channel="depth:A", levels=5)


def test_a_wildcards_snapshot_that_does_not_come_is_asked_for() -> None:
    line = Line()
    line.subscribe("depth:*")
    line.grant()
    assert line.snapshot(1, channel="depth:A")
    line.subscribe("depth:*", interval_ms=0)
    line.grant()
    line.later(REFUSED_RETRY_S)
    _, on = line.grant()
    assert on["channels"] == [{"channel": "depth:A", "interval_ms": 0}]
    assert line.snapshot(1, channel="depth:A")


def test_a_wildcard_brings_channels_as_they_come_and_repairs_each_alone() -> None:
    line = Line()
    line.subscribe("depth:*", levels=3)
    line.grant()
    assert line.snapshot(1, channel="depth:A")
    assert line.snapshot(5, channel="depth:B")
    assert not line.snapshot(5, channel="bbo:B")
    line.delta(9, channel="depth:A")
    line.later(0)
    _, on = line.grant()
    assert (on["channels"][0]["channel"], on["channels"][0]["levels"]) == ("depth:A", 3)
    assert line.desk.keepers["depth:B"].sequence == 5
    line.say(op="unsubscribed", id=None, channels=["depth:B"])
    assert not line.desk.keepers["depth:B"].is_live
    line.reconnect()
    (op,) = line.grant()
    assert [each["channel"] for each in op["channels"]] == ["depth:*"]
    assert not line.desk.keepers["depth:A"].is_live
    assert line.snapshot(3, channel="depth:A")


def test_a_channel_that_ceases_and_comes_back_has_the_same_keeper() -> None:
    line = Line()
    line.subscribe("depth:*")
    line.grant()
    assert line.snapshot(5, channel="depth:B")
    keeper = line.desk.keepers["depth:B"]
    line.say(op="unsubscribed", id=None, channels=["depth:B"])
    assert "ceased" in keeper.fault
    assert line.snapshot(1, channel="depth:B")
    assert line.desk.keepers["depth:B"] is keeper
    assert keeper.sequence == 1


def test_what_has_ceased_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rialto.client.feed.desk.CHANNELS_MAX", 1)
    line = Line()
    line.subscribe("depth:*")
    line.grant()
    assert line.snapshot(5, channel="depth:A")
    assert not line.snapshot(5, channel="depth:B")
    line.say(op="unsubscribed", id=None, channels=["depth:A"])
    assert line.snapshot(5, channel="depth:B")
    assert set(line.desk.keepers) == {"depth:B"}
