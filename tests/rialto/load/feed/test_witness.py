"""A client finds what is missing, doubled or wrong."""

import pytest

from rialto.load.feed.witness import Follower, Messages, decoded
from shared.feed import Level, book_crc32
from tests.rialto.load.feed.messages import (
    DEPTH,
    TRADES,
    depth_delta,
    depth_snapshot,
    subscribed,
    trade,
    trades_snapshot,
)


def follower(*, checks_books: bool = False) -> Follower:
    return Follower(iter((DEPTH, TRADES)), checks_books=checks_books)


def faults(client: Follower, *payloads: bytes) -> list[str]:
    found = (client.take(decoded(payload)) for payload in payloads)
    return [fault for fault in found if fault]


def test_what_follows_without_a_hole_is_accepted() -> None:
    client = follower()
    assert not faults(client, depth_snapshot(7), trades_snapshot(3))
    assert not faults(client, depth_delta(8, 8), trade(4), depth_delta(9, 12), trade(5))
    assert client.last == {DEPTH: 12, TRADES: 5}


def test_a_client_is_ready_once_it_has_every_snapshot() -> None:
    client, ready = follower(), []
    for payload in (depth_snapshot(7), trades_snapshot(3)):
        client.take(decoded(payload))
        ready.append(client.has_all_snapshots)
    assert ready == [False, True]


@pytest.mark.parametrize("first", [9, 8, 11, 1])
def test_a_delta_that_does_not_follow_is_a_fault(first: int) -> None:
    client = follower()
    assert not faults(client, depth_snapshot(7), depth_delta(8, 9))
    assert faults(client, depth_delta(first, 12)) == [f"{DEPTH}: {first} came after 9."]


@pytest.mark.parametrize("trade_id", [3, 4, 6])
def test_a_trade_that_does_not_follow_is_a_fault(trade_id: int) -> None:
    client = follower()
    assert not faults(client, trades_snapshot(3), trade(4))
    assert faults(client, trade(trade_id)) == [f"{TRADES}: {trade_id} came after 4."]


def test_a_delta_before_any_snapshot_is_a_fault() -> None:
    assert faults(follower(), depth_delta(1, 1))


def test_a_snapshot_begins_anew() -> None:
    client = follower()
    assert not faults(client, depth_snapshot(7), depth_snapshot(20), depth_delta(21, 21))


def test_a_channel_that_was_not_asked_for_is_a_fault() -> None:
    client = Follower(iter([TRADES]), checks_books=False)
    assert faults(client, depth_snapshot(7)) == [f"{DEPTH} was not asked for."]


def test_who_keeps_books_finds_a_wrong_checksum_and_nobody_else_does() -> None:
    bids: list[Level] = [("100", "1"), ("9", "2")]
    right = book_crc32([("100", "1"), ("99.5", "3")], [])
    first, second = depth_snapshot(1, *bids), [("9", "0"), ("99.5", "3")]
    good, bad = (depth_delta(2, 2, *second, crc32=crc) for crc in (right, right + 1))
    assert not faults(follower(checks_books=True), first, good)
    assert faults(follower(checks_books=True), first, bad)
    assert not faults(follower(), first, bad)


def test_a_message_is_decoded_once_and_its_times_are_kept_together() -> None:
    messages = Messages()
    step = messages.step_of(depth_delta(2, 4))
    assert messages.step_of(depth_delta(2, 4)) is step
    assert messages.step_of(depth_delta(2, 5)) is not step
    assert [(seen.first, seen.last) for seen in messages.seen] == [(2, 4), (2, 5)]
    messages.reset()
    assert not messages.seen
    assert messages.step_of(depth_delta(2, 4)) is not step


def test_an_answer_has_no_channel_and_a_refusal_says_why() -> None:
    assert decoded(subscribed()).channel == ""
    refused = b'{"op":"error","id":1,"code":"UNKNOWN_MARKET","message":"There is none.","field":""}'
    assert decoded(refused).refusal == "There is none."
