"""What is so now: the newest, never an older one again."""

from typing import Any

import msgspec
import pytest

from rialto.client.feed.keeper import NotLiveError
from rialto.client.feed.values import ValueKeeper
from shared.feed import Bbo, Value

CHANNEL = "price:BTC"


def value(sequence: int, **more: Any) -> Value:
    return Value(channel=CHANNEL, sequence=sequence, at_ns=1, data=msgspec.Raw(b"1"), **more)


def kept(*updates: Value | Bbo) -> ValueKeeper:
    keeper = ValueKeeper(CHANNEL)
    for update in updates:
        keeper.take(update)
    return keeper


def test_the_newest_value_is_shown_and_numbers_may_be_left_out() -> None:
    assert kept(value(3), value(7)).value == value(7)


def test_before_the_first_value_there_is_none() -> None:
    with pytest.raises(NotLiveError):
        _ = kept().value


@pytest.mark.parametrize("sequence", [3, 2])
def test_one_that_is_not_newer_is_a_fault_and_is_not_shown(sequence: int) -> None:
    keeper = kept(value(3), value(sequence))
    assert keeper.faults == 1
    assert not keeper.is_live
    keeper.take(value(4))
    assert keeper.is_live


@pytest.mark.parametrize(("reason", "sequence"), [("lagged", 3), ("resync", 3), ("resync", 1)])
def test_the_server_may_say_it_again_with_a_reason(reason: str, sequence: int) -> None:
    assert kept(value(3), value(sequence, reason=reason)).sequence == sequence


def test_a_best_bid_and_offer_is_a_value_too() -> None:
    best = Bbo(
        channel="bbo:TATA_INR",
        market="TATA_INR",
        sequence=1,
        at_ns=1,
        bid_price="100",
        bid_quantity="1",
        ask_price=None,
        ask_quantity=None,
    )
    keeper = kept(best)
    assert keeper.bbo == best
    assert keeper.resume_after is None
    with pytest.raises(TypeError):
        _ = kept(value(1)).bbo
