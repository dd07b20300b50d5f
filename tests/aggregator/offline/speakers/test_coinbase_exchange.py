"""Simulated Coinbase Exchange is held against its documents; there is no recording of it."""

import json

import pytest

from tests.support.offline_stage import Caller


def _subscribe(*channels: str, product: str = "BTC-USD") -> str:
    return json.dumps({"type": "subscribe", "product_ids": [product], "channels": channels})


def _caller() -> Caller:
    return Caller("coinbase-exchange:spot")


def test_a_subscription_begins_with_the_whole_book_and_the_trade_before() -> None:
    caller = _caller()
    answers = caller.say(_subscribe("level2_batch", "matches", "heartbeat"))
    kinds = [json.loads(frame.text)["type"] for frame in answers]
    assert kinds == ["subscriptions", "snapshot", "last_match"]
    came = {json.loads(frame.text)["type"] for frame in caller.wait(10_000)}
    assert came == {"l2update", "match", "heartbeat"}


def test_the_side_of_a_trade_is_the_makers() -> None:
    caller = _caller()
    caller.say(_subscribe("matches"))
    told = [json.loads(frame.text) for frame in caller.wait(10_000)]
    fills = {fill.number: fill for fill in caller.market("BTC-USD").tape}
    assert len(told) > 10
    for trade in told:
        assert trade["side"] == ("sell" if fills[trade["trade_id"]].is_buy else "buy")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (_subscribe("level2"), "requires authentication"),
        (_subscribe("nothing"), "not a valid channel"),
        (_subscribe("matches", product="NO-COIN"), "not a valid product"),
    ],
)
def test_what_there_is_not_is_refused_with_a_reason(message: str, reason: str) -> None:
    said = json.loads(_caller().say(message)[0].text)
    assert said["type"] == "error"
    assert reason in said["reason"]


def test_who_does_not_subscribe_within_five_seconds_is_cut() -> None:
    caller = _caller()
    caller.wait(4_000)
    assert caller.session.close is None
    caller.wait(3_000)
    assert caller.session.close is not None
