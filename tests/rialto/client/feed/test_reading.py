"""Every message of the contract is read as what it is, and kept by whom it is for."""

from typing import Any

import msgspec
import pytest

from rialto.client.feed import (
    AccountKeeper,
    BookKeeper,
    LogKeeper,
    TradesKeeper,
    UnreadableError,
    ValueKeeper,
    keeper_for,
    read,
)
from shared import feed

LEVELS: dict[str, Any] = {"at_ns": 1, "bids": [["1", "2"]], "asks": [], "crc32": 0}
MARKET = {"market": "TATA_INR"}
UPDATES: list[tuple[dict[str, Any], type, type]] = [
    ({"type": "snapshot", "channel": "depth:TATA_INR", **MARKET, "sequence": 1, **LEVELS},
     feed.DepthSnapshot, BookKeeper),
    ({"type": "delta", "channel": "depth:TATA_INR", **MARKET, "first_sequence": 1,
      "last_sequence": 2, **LEVELS}, feed.DepthDelta, BookKeeper),
    ({"type": "bbo", "channel": "bbo:TATA_INR", **MARKET, "sequence": 1, "at_ns": 1,
      "bid_price": None, "bid_quantity": None, "ask_price": "1", "ask_quantity": "1"},
     feed.Bbo, ValueKeeper),
    ({"type": "snapshot", "channel": "trades:TATA_INR", **MARKET, "last_trade_id": 0,
      "trades": []}, feed.TradesSnapshot, TradesKeeper),
    ({"type": "trade", "channel": "trades:TATA_INR", **MARKET, "trade_id": 1, "price": "1",
      "quantity": "1", "side": "buy", "at_ns": 1}, feed.Trade, TradesKeeper),
    ({"type": "snapshot", "channel": "book:x", "sequence": 1, **LEVELS, "info": {"a": [1]}},
     feed.BookSnapshot, BookKeeper),
    ({"type": "delta", "channel": "book:x", "first_sequence": 1, "last_sequence": 1, **LEVELS},
     feed.BookDelta, BookKeeper),
    ({"type": "value", "channel": "price:x", "sequence": 1, "at_ns": 1, "data": [1]},
     feed.Value, ValueKeeper),
    ({"type": "snapshot", "channel": "trades:x:y", "sequence": 0, "entries": []},
     feed.LogSnapshot, LogKeeper),
    ({"type": "entry", "channel": "trades:x:y", "sequence": 1, "at_ns": 1, "data": {}},
     feed.Entry, LogKeeper),
    ({"type": "snapshot", "channel": "account", "account_id": 7, "sequence": 1, "balances": [],
      "open_orders": []}, feed.AccountSnapshot, AccountKeeper),
    ({"type": "cancel_timer_set", "channel": "account", "sequence": 1, "at_ns": 1, "balances": [],
      "cancel_at_ns": 0}, feed.CancelTimerSet, AccountKeeper),
]  # fmt: skip


@pytest.mark.parametrize(("message", "kind", "keeper"), UPDATES)
def test_an_update_is_read_and_has_a_keeper(
    message: dict[str, Any], kind: type, keeper: type
) -> None:
    update = read(msgspec.json.encode(message).decode())
    assert type(update) is kind
    assert isinstance(update, feed.Message)
    assert type(keeper_for(update)) is keeper


def test_answers_and_the_last_message_are_read() -> None:
    assert read('{"op":"subscribed","id":1,"channels":["a"]}') == feed.Subscribed(1, ["a"])
    assert read('{"op":"error","id":null,"code":"A","message":"b"}') == feed.Error(None, "A", "b")
    closing = read('{"op":"closing","code":1012,"reason":"a restart","reconnect_after_ms":700}')
    assert closing == feed.Closing(1012, "a restart", 700)


def test_a_field_that_is_new_is_passed_over() -> None:
    assert read('{"op":"pong","id":1,"at_ns":2,"mood":"good"}') == feed.Pong(1, 2)


@pytest.mark.parametrize("frame", ["", "{", "[]", "7", '{"op":"juggle"}', "{}", '{"op":7}'])
def test_what_is_no_message_is_unreadable(frame: str) -> None:
    with pytest.raises(UnreadableError):
        read(frame)


def test_of_an_unreadable_update_the_channel_is_known() -> None:
    with pytest.raises(UnreadableError) as raised:
        read('{"type":"delta","channel":"depth:X","market":"X"}')
    assert raised.value.channel == "depth:X"
