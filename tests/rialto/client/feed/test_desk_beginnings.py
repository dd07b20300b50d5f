"""A channel that was granted begins, whatever was lost, said twice or said in other words."""

import pytest

from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.desk import BEGIN_TIMEOUT_S
from tests.rialto.client.feed.test_desk import DEPTH, Line


@pytest.fixture
def line() -> Line:
    """A line on which a book is live at 41."""
    line = Line()
    line.subscribe(DEPTH)
    line.grant()
    assert line.snapshot(41)
    return line


def test_a_message_before_any_snapshot_asks_for_one() -> None:
    line = Line()
    line.subscribe(DEPTH)
    line.grant()
    assert not line.delta(42), "its snapshot was lost"
    line.later(0)
    _, on = line.grant()
    assert "after_sequence" not in on["channels"][0]
    assert line.snapshot(43)


def test_a_wish_said_in_other_words_is_live_again_without_a_message(line: Line) -> None:
    # 0 is the default of the channel: to the server nothing is new, and it sends nothing.
    line.subscribe(DEPTH, interval_ms=0)
    line.grant()
    line.later(BEGIN_TIMEOUT_S)
    off, on = line.grant()
    assert (off["op"], off["channels"]) == ("unsubscribe", [DEPTH])
    assert on["channels"][0]["interval_ms"] == 0
    assert line.snapshot(41)


def test_a_channel_that_has_begun_is_not_begun_again(line: Line) -> None:
    line.later(BEGIN_TIMEOUT_S * 2)
    assert line.heard() == []


def test_of_several_wildcards_the_longest_is_repaired() -> None:
    line = Line()
    line.subscribe("depth:*", levels=3)
    line.subscribe("depth:A:*", levels=7)
    line.grant()
    line.snapshot(1, channel="depth:A:B")
    line.delta(9, channel="depth:A:B")
    line.later(0)
    _, on = line.grant()
    assert on["channels"][0]["levels"] == 7


def test_what_a_wildcard_brings_is_heard_while_its_own_name_is_refused() -> None:
    line = Line()
    line.subscribe(DEPTH, "depth:*")
    line.grant()
    line.say(op="unsubscribed", id=None, channels=[DEPTH])
    assert line.snapshot(7), "it is back, by the wildcard, before it is asked for by its name"


def test_what_was_repaired_under_a_wildcard_is_left_with_it() -> None:
    line = Line()
    line.subscribe("depth:*")
    line.grant()
    line.snapshot(1)
    line.delta(9)
    line.later(0)
    line.grant()
    line.desk.unsubscribe(["depth:*"], line.answers.append)
    assert [op["channels"] for op in line.grant()] == [[DEPTH], ["depth:*"]]


def test_a_value_that_is_the_same_after_a_reconnect_is_no_fault() -> None:
    line = Line()
    line.subscribe("price:X")
    line.grant()
    assert line.say(type="value", channel="price:X", sequence=7, at_ns=1, data=1)
    line.reconnect()
    line.grant()
    assert line.say(type="value", channel="price:X", sequence=7, at_ns=1, data=1)


def test_an_account_is_not_shown_before_the_snapshot_that_its_answer_promises() -> None:
    line = Line()
    line.subscribe("account")
    line.grant()
    snapshot = {"type": "snapshot", "channel": "account", "account_id": 1}
    assert line.say(**snapshot, sequence=5, balances=[], open_orders=[])
    line.reconnect()
    line.grant()
    account = line.desk.keepers["account"]
    assert not account.is_live, "nothing says that 5 is where the account is now"
    assert line.say(**snapshot, sequence=9, balances=[], open_orders=[])
    assert isinstance(account, AccountKeeper)
    assert account.missed == 4
