"""From what a client writes to the command, on the grid of a market."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ApiError
from api.order_requests import (
    AmendOrderBody,
    CancelOrderBody,
    PlaceOrderBody,
    amend_order,
    cancel_order,
    place_order,
)
from shared.messages import FeeAsset, Market, OrderType, PlaceOrder, Side, TimeInForce
from tests.api.ledger_rows import order

# Prices in steps of 0.05, quantities in steps of 0.1; INR has 2 decimals, TATA has 1.
MARKET = Market("TATA_INR", "TATA", "INR", 2, 5, 1, 50, FeeAsset.RECEIVED, 0, 0)
SCALES = (1, 2)
LIMIT = {"market": "TATA_INR", "side": "buy", "price": "101.50", "quantity": "2.5"}


def place(**fields: object) -> PlaceOrder:
    body = msgspec.convert({**LIMIT, **fields}, PlaceOrderBody)
    return place_order(body, MARKET, SCALES, 7, "key")


def refusal(**fields: object) -> tuple[str, str]:
    with pytest.raises(ApiError) as refused:
        place(**fields)
    return refused.value.code, refused.value.field


def test_four_fields_are_a_limit_order_good_till_cancelled() -> None:
    command = place()
    assert command == PlaceOrder(
        account_id=7,
        idempotency_key="key",
        market="TATA_INR",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price_ticks=2_030,
        quantity_lots=25,
    )


def test_choices_may_be_in_any_case() -> None:
    command = place(side="SELL", type="Limit", time_in_force="Fok")
    assert (command.side, command.time_in_force) == (Side.SELL, TimeInForce.FOK)


def test_a_market_buy_may_name_what_to_spend() -> None:
    command = place(type="market", price=None, quantity=None, quote_quantity="1000.01")
    assert (command.budget_atoms, command.quantity_lots, command.price_ticks) == (100_001, 0, 0)


# fmt: off
NOT_DECIMALS = (
    "", " ", "NaN", "nan", "Infinity", "-inf", "-1", "+1", "1e3", "1E308", "1e308", ".5",
    "5.", "01", "0x10", "1_000", "1,5", " 1", "1 ", "1\n", "\u0661\u0662", "\uff11",
    "1" * 29, "1.000000000", "\u00bd", "1.5.5", "--1", "1/2", "null",
)
# fmt: on
REFUSED: list[tuple[dict[str, object], str, str]] = [
    ({"price": "0"}, "INVALID_PRICE", "price"),
    ({"price": "0.00"}, "INVALID_PRICE", "price"),
    ({"price": "101.501"}, "TOO_MANY_DECIMALS", "price"),
    ({"price": "101.51"}, "INVALID_TICK", "price"),
    ({"price": "9" * 19}, "AMOUNT_LIMIT", "price"),
    ({"price": None}, "MISSING_FIELD", "price"),
    ({"quantity": "0"}, "INVALID_QUANTITY", "quantity"),
    ({"quantity": "0.25"}, "TOO_MANY_DECIMALS", "quantity"),
    ({"quantity": "-2"}, "INVALID_DECIMAL", "quantity"),
    ({"quantity": None}, "MISSING_FIELD", "quantity"),
    ({"quote_quantity": "5"}, "INVALID_BUDGET", "quote_quantity"),
    ({"type": "market"}, "INVALID_PRICE", "price"),
    ({"type": "market", "price": None, "quantity": None}, "MISSING_FIELD", "quantity"),
    (
        {"type": "market", "price": None, "quote_quantity": "5"},
        "INVALID_BUDGET",
        "quote_quantity",
    ),
    (
        {"type": "market", "side": "sell", "price": None, "quantity": None, "quote_quantity": "5"},
        "INVALID_BUDGET",
        "quote_quantity",
    ),
    (
        {"type": "market", "price": None, "quantity": None, "quote_quantity": "0"},
        "INVALID_BUDGET",
        "quote_quantity",
    ),
    ({"side": "hold"}, "INVALID_FIELD", "side"),
    ({"side": ""}, "INVALID_FIELD", "side"),
    ({"side": "bu\u0443"}, "INVALID_FIELD", "side"),
    ({"type": "stop"}, "INVALID_FIELD", "type"),
    ({"time_in_force": "day"}, "INVALID_FIELD", "time_in_force"),
    ({"time_in_force": "fo\u212a"}, "INVALID_FIELD", "time_in_force"),  # A k in lower case.
    ({"client_order_id": ""}, "INVALID_CLIENT_ORDER_ID", "client_order_id"),
    ({"client_order_id": "a b"}, "INVALID_CLIENT_ORDER_ID", "client_order_id"),
    ({"client_order_id": "x" * 65}, "INVALID_CLIENT_ORDER_ID", "client_order_id"),
    ({"client_order_id": "\u0661"}, "INVALID_CLIENT_ORDER_ID", "client_order_id"),
]


@pytest.mark.parametrize(("fields", "code", "field"), REFUSED)
def test_what_is_off_the_grid_is_refused(fields: dict[str, object], code: str, field: str) -> None:
    assert refusal(**fields) == (code, field)


@pytest.mark.parametrize("text", NOT_DECIMALS)
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_what_is_no_plain_decimal_is_refused(field: str, text: str) -> None:
    assert refusal(**{field: text}) == ("INVALID_DECIMAL", field)


def test_a_lot_of_several_atoms_is_a_grid_too() -> None:
    coarse = Market("TATA_INR", "TATA", "INR", 2, 5, 5, 250, FeeAsset.RECEIVED, 0, 0)
    body = msgspec.convert({**LIMIT, "quantity": "2.7"}, PlaceOrderBody)
    with pytest.raises(ApiError) as refused:
        place_order(body, coarse, SCALES, 7, "key")
    assert refused.value.code == "INVALID_LOT"
    assert "0.5" in refused.value.message


def lots_or_none(text: str) -> int | None:
    try:
        return place(quantity=text).quantity_lots
    except ApiError:
        return None


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,3}\.?[0-9]{0,2}", fullmatch=True))
def test_any_text_as_an_amount_is_exact_or_refused(text: str) -> None:
    lots = lots_or_none(text)
    if lots is not None:
        assert Decimal(text) * 10 == lots


def test_an_order_is_named_by_one_of_its_two_names() -> None:
    assert cancel_order(CancelOrderBody(order_id=5), 7, "k").order_id == 5
    assert cancel_order(CancelOrderBody(order_id="5"), 7, "k").order_id == 5
    assert cancel_order(CancelOrderBody(client_order_id="mine"), 7, "k").client_order_id == "mine"
    for body in (CancelOrderBody(), CancelOrderBody(order_id=5, client_order_id="mine")):
        with pytest.raises(ApiError):
            cancel_order(body, 7, "k")


@pytest.mark.parametrize("order_id", [0, -1, 2**63, 10**30, "", "abc", "1.0", "\u0661", "05"])
def test_an_id_that_cannot_exist_is_an_unknown_order(order_id: int | str) -> None:
    with pytest.raises(ApiError) as refused:
        cancel_order(CancelOrderBody(order_id=order_id), 7, "k")
    assert refused.value.code == "UNKNOWN_ORDER"


def test_an_amendment_speaks_in_the_markets_lots_and_of_one_order() -> None:
    body = AmendOrderBody(quantity="1.5", client_order_id="mine")
    command = amend_order(body, order(3, 7, client_order_id="mine"), MARKET, 1, "k")
    assert (command.order_id, command.client_order_id) == (3, "")
    assert (command.quantity_lots, command.account_id) == (15, 7)
