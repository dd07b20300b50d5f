"""What the desk says on a line, and what it makes of what it hears.

The rule of this file: the server is played by hand, message by message; the clock stands still
until it is moved.
"""

from typing import Any

import msgspec
import pytest

from rialto.client.feed.desk import (
    ANSWER_TIMEOUT_S,
    REFUSED_RETRY_S,
    Desk,
)
from rialto.client.feed.keeper import NotLiveError
from rialto.client.feed.wishes import CHANNELS_PER_OP_MAX, REPAIR_MAX_S
from shared.feed import Answer, Error, Subscribed, Wanted, book_crc32

DEPTH = "depth:TATA_INR"
TRADES = "trades:TATA_INR"
EMPTY = book_crc32([], [])


class Line:
    """A desk, the clock it reads, and the server's side of what is said."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.desk = Desk(lambda: self.now_s)
        self.answers: list[Answer | None] = []
        self.desk.opened()

    def heard(self) -> list[dict[str, Any]]:
        """Return what the desk has sent since the last time."""
        return [msgspec.json.decode(frame) for frame in self.desk.take_outgoing()]

    def say(self, **message: Any) -> bool:
        """Send to the desk; return whether it was an update that a keeper took."""
        return self.desk.receive(msgspec.json.encode(message)) is not None

    def grant(self) -> list[dict[str, Any]]:
        """Answer everything that was asked with yes, and return what it was."""
        asked = self.heard()
        for op in asked:
            names = [_name(each) for each in op.get("channels", [])]
            self.say(op=f"{op['op']}d", id=op["id"], channels=names)
        return asked

    def refuse(self, code: str) -> dict[str, Any]:
        """Answer the one op that was asked with no, and return it."""
        (op,) = self.heard()
        self.say(op="error", id=op["id"], code=code, message="No.", field="")
        return op

    def subscribe(self, *channels: str, **wishes: int) -> None:
        wanted = [Wanted(channel=channel, **wishes) for channel in channels]
        self.desk.subscribe(wanted, self.answers.append)

    def snapshot(self, sequence: int, channel: str = DEPTH, **more: Any) -> bool:
        return self.say(
            type="snapshot",
            channel=channel,
            market="TATA_INR",
            sequence=sequence,
            at_ns=1,
            bids=[],
            asks=[],
            crc32=EMPTY,
            **more,
        )

    def delta(self, first: int, channel: str = DEPTH, crc32: int = EMPTY) -> bool:
        return self.say(
            type="delta",
            channel=channel,
            market="TATA_INR",
            first_sequence=first,
            last_sequence=first,
            at_ns=1,
            bids=[],
            asks=[],
            crc32=crc32,
        )

    def trades(self, last: int) -> bool:
        return self.say(
            type="snapshot", channel=TRADES, market="TATA_INR", last_trade_id=last, trades=[]
        )

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.desk.tick()

    def reconnect(self) -> None:
        self.desk.lost()
        self.desk.opened()


def _name(each: str | dict[str, Any]) -> str:
    return each if isinstance(each, str) else str(each["channel"])


@pytest.fixture
def line() -> Line:
    """A line on which a book is live at 41."""
    line = Line()
    line.subscribe(DEPTH)
    line.grant()
    assert line.snapshot(41)
    return line


def test_a_wish_is_asked_with_its_id_and_granted_once() -> None:
    line = Line()
    line.subscribe(DEPTH, interval_ms=250, levels=5)
    (op,) = line.grant()
    assert op["op"] == "subscribe"
    (wanted,) = op["channels"]
    assert (wanted["channel"], wanted["interval_ms"], wanted["levels"]) == (DEPTH, 250, 5)
    assert line.answers == [Subscribed(op["id"], [DEPTH])]
    assert line.snapshot(1)


def test_what_was_refused_is_not_wished_for() -> None:
    line = Line()
    line.subscribe("depth:NOPE")
    op = line.refuse("UNKNOWN_MARKET")
    assert line.answers == [Error(op["id"], "UNKNOWN_MARKET", "No.", "")]
    line.reconnect()
    assert line.heard() == []


def test_what_comes_before_the_grant_or_was_never_asked_for_is_passed_over() -> None:
    line = Line()
    line.subscribe(DEPTH)
    assert not line.snapshot(1)
    line.grant()
    assert not line.snapshot(1, channel="depth:JIO_INR")
    assert line.desk.keepers == {}


def test_a_gap_is_repaired_alone_and_from_before_it(line: Line) -> None:
    line.subscribe(TRADES)
    line.grant()
    line.trades(7)
    assert not line.delta(43)
    assert line.desk.needs_care
    line.later(0)
    off, on = line.heard()
    assert (off["op"], off["channels"]) == ("unsubscribe", [DEPTH])
    assert (on["op"], on["channels"][0]["after_sequence"]) == ("subscribe", 41)
    assert not line.delta(44), "the rest of the old subscription"
    line.say(op="unsubscribed", id=off["id"], channels=[DEPTH])
    line.say(op="subscribed", id=on["id"], channels=[DEPTH], resumed=[DEPTH])
    assert line.desk.keepers[DEPTH].sequence == 41
    assert line.delta(42)
    assert line.desk.keepers[TRADES].sequence == 7
    assert line.desk.repairs == 1


def test_a_wrong_checksum_needs_a_snapshot(line: Line) -> None:
    assert not line.delta(42, crc32=7)
    line.later(0)
    _, on = line.grant()
    assert "after_sequence" not in on["channels"][0]
    assert not line.delta(43)
    assert line.snapshot(50)


def test_repairs_that_do_not_help_come_later_and_later(line: Line) -> None:
    for attempt in range(8):
        assert not line.delta(99)
        line.later(0 if not attempt else REPAIR_MAX_S)
        asked = line.grant()
        assert len(asked) == 2, "it tries again"
        line.snapshot(41, reason="resync")
    assert not line.delta(99)
    due_at_s = line.desk.due_at_s()
    assert due_at_s is not None
    assert due_at_s <= line.now_s + REPAIR_MAX_S


def test_a_snapshot_that_comes_by_itself_is_repair_enough(line: Line) -> None:
    line.delta(43)
    line.snapshot(44, reason="lagged", lagged=True)
    line.later(0)
    assert line.heard() == []
    assert line.desk.keepers[DEPTH].sequence == 44


def test_a_message_of_another_kind_or_that_cannot_be_read_is_a_fault(line: Line) -> None:
    line.say(type="value", channel=DEPTH, sequence=42, at_ns=1, data=1)
    assert not line.desk.keepers[DEPTH].is_live
    line.later(0)
    line.grant()
    line.snapshot(43)
    line.say(type="delta", channel=DEPTH, market="TATA_INR")
    assert not line.desk.keepers[DEPTH].is_live
    assert line.desk.unreadable == 1


def test_a_lost_connection_shows_nothing_and_goes_on_where_it_was(line: Line) -> None:
    line.subscribe(TRADES)
    line.grant()
    line.trades(7)
    line.desk.lost()
    with pytest.raises(NotLiveError, match="the connection is lost"):
        _ = line.desk.keepers[DEPTH].sequence
    line.desk.opened("token", line.answers.append)
    auth, on = line.heard()
    assert (auth["op"], auth["token"]) == ("auth", "token")
    assert [each["after_sequence"] for each in on["channels"]] == [41, 7]
    line.say(op="subscribed", id=on["id"], channels=[DEPTH, TRADES], resumed=[DEPTH])
    assert line.delta(42)
    assert not line.desk.keepers[TRADES].is_live, "its snapshot has not come yet"
    assert line.trades(9)


def test_an_open_question_is_answered_with_none_when_the_connection_is_lost() -> None:
    line = Line()
    line.subscribe(DEPTH)
    line.desk.lost()
    assert line.answers == [None]


def test_one_wish_that_is_refused_after_a_reconnect_does_not_harm_the_others(line: Line) -> None:
    line.subscribe(TRADES)
    line.grant()
    line.reconnect()
    line.refuse("UNKNOWN_CHANNEL")
    one, other = line.heard()
    line.say(op="error", id=one["id"], code="UNKNOWN_MARKET", message="No.", field="")
    line.say(op="subscribed", id=other["id"], channels=[TRADES])
    assert line.trades(7)
    assert "UNKNOWN_MARKET" in line.desk.keepers[DEPTH].fault
    line.later(REFUSED_RETRY_S * 2)
    line.grant()
    assert line.snapshot(50)


def test_a_channel_that_ceases_to_exist_is_asked_for_again(line: Line) -> None:
    line.say(op="unsubscribed", id=None, channels=[DEPTH])
    assert "ceased" in line.desk.keepers[DEPTH].fault
    line.later(REFUSED_RETRY_S * 2)
    line.grant()
    assert line.snapshot(1)


def test_an_old_wish_is_not_asked_for_again_behind_a_new_one(line: Line) -> None:
    line.say(op="unsubscribed", id=None, channels=[DEPTH])
    line.subscribe(DEPTH, levels=5)
    line.later(REFUSED_RETRY_S * 2)
    (op,) = line.grant()
    assert op["channels"] == [{"channel": DEPTH, "levels": 5}]
    line.later(REFUSED_RETRY_S * 2)
    assert line.heard() == []


def test_a_repair_waits_for_a_new_wish(line: Line) -> None:
    line.delta(43)
    line.subscribe(DEPTH, levels=5)
    line.later(0)
    (op,) = line.grant()
    assert op["op"] == "subscribe"
    assert line.snapshot(44, levels=5)


def test_a_view_of_which_nobody_knows_the_wish_is_not_gone_on_with(line: Line) -> None:
    line.subscribe(DEPTH, levels=5)
    line.reconnect()
    (again,) = line.heard()
    assert "after_sequence" not in again["channels"][0]


def test_what_is_unsubscribed_is_gone_at_once(line: Line) -> None:
    book = line.desk.keepers[DEPTH]
    line.desk.unsubscribe([DEPTH], line.answers.append)
    assert not line.delta(42)
    assert not book.is_live
    line.grant()
    line.reconnect()
    assert line.heard() == []


def test_what_is_taken_back_before_its_answer_is_not_wished_for() -> None:
    line = Line()
    line.subscribe(DEPTH, TRADES)
    line.desk.unsubscribe([DEPTH], line.answers.append)
    line.grant()
    assert not line.snapshot(1)
    assert line.trades(7)
    line.reconnect()
    (op,) = line.heard()
    assert [each["channel"] for each in op["channels"]] == [TRADES]


def test_the_same_wish_again_changes_nothing_and_another_begins_anew(line: Line) -> None:
    line.subscribe(DEPTH)
    line.grant()
    assert line.desk.keepers[DEPTH].is_live
    line.subscribe(DEPTH, levels=5)
    line.grant()
    assert not line.desk.keepers[DEPTH].is_live
    assert line.snapshot(41)


def test_many_wishes_are_asked_for_in_parts() -> None:
    line = Line()
    names = [f"depth:M{number}" for number in range(CHANNELS_PER_OP_MAX + 1)]
    line.subscribe(*names)
    line.grant()
    line.reconnect()
    assert [len(op["channels"]) for op in line.heard()] == [CHANNELS_PER_OP_MAX, 1]


def test_a_server_that_does_not_answer_is_left(line: Line) -> None:
    line.subscribe(TRADES)
    line.later(ANSWER_TIMEOUT_S / 2)
    with pytest.raises(TimeoutError):
        line.later(ANSWER_TIMEOUT_S / 2)


def test_the_last_message_is_kept_for_the_line() -> None:
    line = Line()
    line.say(op="closing", code=1012, reason="a restart", reconnect_after_ms=700)
    assert line.desk.closing is not None
    assert line.desk.closing.reconnect_after_ms == 700
    line.reconnect()
    assert line.desk.closing is None


def test_what_was_authenticated_is_told_once() -> None:
    line = Line()
    line.desk.show("token", line.answers.append)
    (op,) = line.heard()
    line.say(op="authenticated", id=op["id"], account_id=7, expires_at_s=9)
    authenticated = line.desk.take_authenticated()
    assert authenticated is not None
    assert (authenticated.account_id, line.desk.take_authenticated()) == (7, None)
