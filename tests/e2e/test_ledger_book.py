"""The outside ledger can tell: right answers pass, and each kind of wrong one is noticed."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.campaign_orders import MARKETS
from tests.support.ledger_book import Answer, OutsideLedger


def _answer(n: int, order_id: int, side: str, price: str, **more: Any) -> Answer:
    answer = {
        "n": n,
        "order_id": order_id,
        "market": "JIO_INR",
        "side": side,
        "price": price,
        "quantity": "2",
        "filled_quantity": "0",
        "remaining_quantity": "2",
        "status": "open",
        "fee": "0",
        "fills": [],
    }
    return answer | more


def _fill(price: str = "100", fee: str = "0.18") -> dict[str, Any]:
    fill = {"price": price, "quantity": "2", "fee": fee}
    closed = {"filled_quantity": "2", "remaining_quantity": "0", "status": "filled"}
    return {**closed, "fills": [fill], "fee": fee}


@pytest.fixture
def ledger() -> OutsideLedger:
    """Ann has 1,000 INR and bids 100 for 2; bob has 10 JIO."""
    ledger = OutsideLedger(MARKETS)
    ledger.moved(1, "ann", "INR", Decimal(1_000))
    ledger.moved(2, "bob", "JIO", Decimal(10))
    ledger.placed("ann", _answer(3, 1, "buy", "100"))
    return ledger


def test_a_trade_is_booked_on_both_sides(ledger: OutsideLedger) -> None:
    assert ledger.held("ann", "INR") == 200
    ledger.placed("bob", _answer(4, 2, "sell", "100", **_fill()))
    assert (ledger.totals["ann"]["JIO"], ledger.totals["bob"]["INR"]) == (
        Decimal(2),
        Decimal("199.82"),
    )
    assert (ledger.open, ledger.fees["INR"]) == ({}, Decimal("0.18"))
    ledger.check_conservation(("ann", "bob"))


def test_an_amendment_with_a_new_price_trades_and_loses_its_place(ledger: OutsideLedger) -> None:
    ledger.placed("bob", _answer(4, 2, "sell", "103"))
    ledger.amended(_answer(5, 2, "sell", "100", **_fill()))
    assert (ledger.totals["bob"]["INR"], ledger.open) == (Decimal("199.82"), {})
    ledger.placed("ann", _answer(6, 3, "buy", "99"))
    ledger.placed("ann", _answer(7, 4, "buy", "98"))
    ledger.amended(_answer(8, 3, "buy", "98"))
    ledger.placed("bob", _answer(9, 5, "sell", "98", **_fill(price="98", fee="0.1764")))
    assert list(ledger.open) == [3], "the order that was there first has traded"


def test_a_lower_quantity_keeps_the_place(ledger: OutsideLedger) -> None:
    ledger.placed("ann", _answer(4, 2, "buy", "100"))
    ledger.amended(_answer(5, 1, "buy", "100", quantity="1", remaining_quantity="1"))
    half = {"filled_quantity": "1", "remaining_quantity": "0", "status": "filled", "quantity": "1"}
    fill = {"price": "100", "quantity": "1", "fee": "0.09"}
    ledger.placed("bob", _answer(6, 3, "sell", "100", **half, fills=[fill], fee="0.09"))
    assert list(ledger.open) == [2]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (_answer(4, 1, "buy", "100"), "changed nothing"),
        (_answer(4, 1, "buy", "101", **_fill()), "traded with nobody"),
        (_answer(4, 1, "buy", "100", quantity="1", **_fill()), "kept its place has traded"),
        (_answer(4, 1, "buy", "101", filled_quantity="1"), "filled 0 in the books"),
    ],
)
def test_an_amendment_that_cannot_be_is_noticed(
    ledger: OutsideLedger, answer: Answer, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        ledger.amended(answer)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (_answer(3, 2, "sell", "101"), "Two answers stand for entry 3"),
        (_answer(4, 1, "sell", "101"), "order id was given twice"),
        (_answer(4, 2, "sell", "100", **_fill(price="99")), "the best is 100"),
        (_answer(4, 2, "sell", "100"), "rests in a crossed book"),
        (_answer(4, 2, "buy", "100", **_fill()), "traded with nobody"),
        (_answer(4, 2, "sell", "100", **_fill() | {"fee": "0.2"}), "told 0.2"),
    ],
)
def test_an_answer_that_cannot_be_is_noticed(
    ledger: OutsideLedger, answer: Answer, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        ledger.placed("bob", answer)


def test_money_from_nowhere_is_noticed(ledger: OutsideLedger) -> None:
    ledger.totals["ann"]["INR"] += 1
    with pytest.raises(AssertionError, match="INR was made or lost"):
        ledger.check_conservation(("ann", "bob"))


def test_a_withdrawal_is_held_until_it_leaves_or_comes_back(ledger: OutsideLedger) -> None:
    ledger.asks_out(4, "ann", "INR", Decimal(300))
    ledger.asks_out(5, "ann", "INR", Decimal(500))
    assert ledger.held("ann", "INR") == 1_000, "and 200 in an order"
    ledger.ended(6, 4, is_gone=True)
    ledger.ended(7, 5, is_gone=False)
    assert ledger.totals["ann"]["INR"] == 700
    assert ledger.held("ann", "INR") == 200
    ledger.check_conservation(["ann", "bob"])
    with pytest.raises(AssertionError, match="in debt"):
        ledger.asks_out(8, "ann", "INR", Decimal(501))
