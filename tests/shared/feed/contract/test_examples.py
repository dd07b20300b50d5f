"""The examples are messages of their types, and the story that they tell is true."""

from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from shared.feed import Answer, Closing, Op, Update, book_crc32
from shared.feed.contract.account_examples import ACCOUNT_EXAMPLES
from shared.feed.contract.examples import EXAMPLES
from shared.feed.contract.short_forms import ShortForm

TYPES: tuple[type[msgspec.Struct], ...] = (
    get_args(Op) + get_args(ShortForm) + get_args(Answer) + (Closing,) + get_args(Update)
)
ALL = [
    pytest.param(kind, message, id=f"{kind.__name__}: {title}")
    for kind, examples in EXAMPLES.items()
    for title, message in examples.items()
]


def messages(channel: str) -> list[dict[str, Any]]:
    """Return the examples of a channel in the order of the catalogue."""
    return [
        message
        for examples in EXAMPLES.values()
        for message in examples.values()
        if message.get("channel") == channel
    ]


def test_every_message_has_an_example_and_nothing_else_has() -> None:
    assert set(EXAMPLES) == set(TYPES)
    assert all(EXAMPLES.values())


@pytest.mark.parametrize(("kind", "message"), ALL)
def test_an_example_is_read_as_its_type_and_written_as_it_stands(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    read = msgspec.json.decode(msgspec.json.encode(message), type=kind)
    assert msgspec.json.decode(msgspec.json.encode(read)) == message


@pytest.mark.parametrize(("kind", "message"), ALL)
def test_an_example_has_no_field_that_its_type_does_not_have(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    assert message.keys() <= names | {kind.__struct_config__.tag_field}


@pytest.mark.parametrize(("kind", "message"), ALL)
def test_the_checksum_of_a_snapshot_is_that_of_its_book(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    if message.get("type") == "snapshot" and "crc32" in message:
        assert message["crc32"] == book_crc32(message["bids"], message["asks"])


@pytest.mark.parametrize("channel", ["depth:TATA_INR", "book:bybit:spot:BTC/USDT"])
def test_a_delta_follows_its_snapshot_and_has_the_checksum_of_the_book_after_it(
    channel: str,
) -> None:
    snapshot, delta = messages(channel)
    sides = {
        side: {Decimal(level[0]): level for level in snapshot[side]} for side in ("bids", "asks")
    }
    for side, book in sides.items():
        book.update({Decimal(level[0]): level for level in delta[side]})
        sides[side] = {price: level for price, level in book.items() if level[1] != "0"}
    bids = [level for _, level in sorted(sides["bids"].items(), reverse=True)]
    asks = [level for _, level in sorted(sides["asks"].items())]

    assert delta["first_sequence"] == snapshot["sequence"] + 1
    assert delta["last_sequence"] >= delta["first_sequence"]
    assert delta["crc32"] == book_crc32(bids, asks)


def test_a_trade_follows_the_last_one() -> None:
    snapshot, trade = messages("trades:TATA_INR")
    assert trade["trade_id"] == snapshot["last_trade_id"] + 1
    assert snapshot["trades"][0]["trade_id"] == snapshot["last_trade_id"]


def test_an_entry_follows_the_last_one() -> None:
    snapshot, entry = messages("trades:bybit:spot:BTC/USDT")
    assert entry["sequence"] == snapshot["sequence"] + 1
    assert snapshot["entries"][0]["sequence"] == snapshot["sequence"]


def test_the_day_of_the_account_has_no_gap() -> None:
    day = [message for examples in ACCOUNT_EXAMPLES.values() for message in examples.values()]
    sequences = sorted(message["sequence"] for message in day)
    assert sequences == list(range(sequences[0], sequences[0] + len(day)))
    day.sort(key=lambda message: message["sequence"])
    assert day[0]["type"] == "snapshot"
    times = [message["at_ns"] for message in day[1:]]
    assert times == sorted(times)


def test_the_money_of_the_account_adds_up() -> None:
    """Holds and releases move nothing; the rest moves what it says, to the last digit."""
    day = [message for examples in ACCOUNT_EXAMPLES.values() for message in examples.values()]
    day.sort(key=lambda message: message["sequence"])
    totals = {each["asset"]: total(each) for each in day[0]["balances"]}
    for message in day[1:]:
        before = dict(totals)
        totals |= {each["asset"]: total(each) for each in message["balances"]}
        moved = {
            asset: totals[asset] - before[asset]
            for asset in totals
            if totals[asset] != before[asset]
        }
        assert moved == expected(message), message["type"]


def total(balance: dict[str, str]) -> Decimal:
    return Decimal(balance["available"]) + Decimal(balance["held"])


def expected(message: dict[str, Any]) -> dict[str, Decimal]:
    """Return by how much the totals differ after the message."""
    kind = message["type"]
    if kind in ("filled", "partially_filled"):
        quantity = Decimal(message["last_quantity"])
        paid = quantity * Decimal(message["last_price"])
        return {"TATA": quantity - Decimal(message["fee"]), "INR": -paid}
    if kind in ("deposited", "fees_paid_out"):
        return {message["asset"]: Decimal(message["amount"])}
    if kind in ("withdrawn", "withdrawal_settled", "transferred"):
        return {message["asset"]: -Decimal(message["amount"])}
    return {}
