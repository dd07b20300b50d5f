"""From what a client writes to the command, on the grid of a market."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.body import to_struct
from api.edge.errors import ApiError
from api.orders.placing import place_order
from api.orders.requests import (
    amend_no_order,
    amend_order,
    cancel_all,
    cancel_order,
    check_amendment,
)
from shared.messages import FeeAsset, Market, OrderType, PlaceOrder, SelfTrade, Side, TimeInForce
from shared.rest.orders import AmendOrderBody, CancelOrderBody, PlaceOrderBody
from tests.api.ledger_rows import order

# Prices in steps of 0.05, quantities in steps of 0.1; INR has 2 decimals, TATA has 1.
MARKET = Market("TATA_INR", "TATA", "INR", 2, 5, 1, 50, FeeAsset.RECEIVED)
SCALES = (1, 2)
LIMIT = {"market": "TATA_INR", "side": "buy", "price": "101.50", "quantity": "2.5"}
TRAILING: dict[str, object] = {"type": "trailing_stop", "price": None}
STOP: dict[str, object] = {"type": "stop", "price": None, "stop_price": "105"}


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


def test_a_market_sale_may_name_what_to_receive() -> None:
    command = place(side="sell", type="market", price=None, quantity=None, quote_quantity="5")
    assert (command.budget_atoms, command.quantity_lots, command.side) == (500, 0, Side.SELL)


def test_a_stop_names_its_price_and_a_quantity_or_what_to_spend() -> None:
    command = place(**STOP, reject_if_met=True)
    assert (command.type, command.stop_price_ticks) == (OrderType.STOP, 2_100)
    assert (command.price_ticks, command.quantity_lots, command.reject_if_met) == (0, 25, True)
    assert command.time_in_force is TimeInForce.GTC
    budget = place(**{**STOP, "quantity": None}, quote_quantity="9")
    assert (budget.budget_atoms, budget.quantity_lots) == (900, 0)
    limit = place(type="STOP_limit", stop_price="105", time_in_force="ioc")
    assert (limit.stop_price_ticks, limit.price_ticks) == (2_100, 2_030)


def test_a_trailing_stop_names_its_distance_as_a_price_or_as_a_part() -> None:
    assert place(**TRAILING, trail="1.25").trail_ticks == 25
    assert place(**TRAILING, trail_ppm=5_000).trail_ppm == 5_000


def test_a_limit_order_may_be_an_iceberg_that_only_makes_until_a_time() -> None:
    command = place(
        display_quantity="0.5",
        post_only=True,
        time_in_force="gtd",
        expires_at_ns=1_795_228_764_741_745_000,
        self_trade="Expire_Both",
    )
    assert (command.display_lots, command.post_only) == (5, True)
    assert command.time_in_force is TimeInForce.GTD
    assert command.expires_at_ns == 1_795_228_764_741_745_000
    assert command.self_trade is SelfTrade.EXPIRE_BOTH
    assert place().self_trade is None, "the market's default"


@pytest.mark.parametrize(
    "fields",
    [
        {"trail_ppm": 0},
        {"trail_ppm": 1_000_001},
        {"trail_ppm": 1.5},
        {"expires_at_ns": 0},
        {"expires_at_ns": 2**63},
        {"expires_at_ns": "2026-11-21T05:00:00Z"},
        {"post_only": 1},
        {"reject_if_met": "yes"},
    ],
)
def test_numbers_out_of_range_and_words_for_numbers_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ApiError) as refused:
        to_struct({**LIMIT, **fields}, PlaceOrderBody)
    assert (refused.value.code, refused.value.field) == ("INVALID_FIELD", *fields)


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
        {"type": "market", "price": None, "quantity": None, "quote_quantity": "0"},
        "INVALID_BUDGET",
        "quote_quantity",
    ),
    ({"side": "hold"}, "INVALID_FIELD", "side"),
    ({"side": ""}, "INVALID_FIELD", "side"),
    ({"side": "bu\u0443"}, "INVALID_FIELD", "side"),
    ({"type": "stop_loss"}, "INVALID_FIELD", "type"),
    ({"stop_price": "101"}, "INVALID_STOP_PRICE", "stop_price"),
    ({"trail": "1"}, "INVALID_TRAIL", "trail"),
    ({"trail_ppm": 1}, "INVALID_TRAIL", "trail_ppm"),
    ({"type": "stop_limit"}, "MISSING_FIELD", "stop_price"),
    ({"type": "stop_limit", "stop_price": "101", "price": None}, "MISSING_FIELD", "price"),
    ({"type": "stop_limit", "stop_price": "0"}, "INVALID_STOP_PRICE", "stop_price"),
    ({"type": "stop_limit", "stop_price": "100.01"}, "INVALID_TICK", "stop_price"),
    ({**STOP, "price": "101"}, "INVALID_PRICE", "price"),
    ({**STOP, "trail": "1"}, "INVALID_TRAIL", "trail"),
    ({**STOP, "quantity": None}, "MISSING_FIELD", "quantity"),
    ({**STOP, "quote_quantity": "5"}, "INVALID_BUDGET", "quote_quantity"),
    (
        {**STOP, "side": "sell", "quantity": None, "quote_quantity": "5"},
        "INVALID_BUDGET",
        "quote_quantity",
    ),
    (TRAILING, "MISSING_FIELD", "trail"),
    ({**TRAILING, "trail": "1", "trail_ppm": 1}, "INVALID_TRAIL", "trail"),
    ({**TRAILING, "trail": "0"}, "INVALID_TRAIL", "trail"),
    ({**TRAILING, "trail": "1", "stop_price": "1"}, "INVALID_STOP_PRICE", "stop_price"),
    ({"display_quantity": "0"}, "INVALID_DISPLAY_QUANTITY", "display_quantity"),
    ({"display_quantity": "0.25"}, "TOO_MANY_DECIMALS", "display_quantity"),
    ({"self_trade": "maybe"}, "INVALID_FIELD", "self_trade"),
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
    coarse = Market("TATA_INR", "TATA", "INR", 2, 5, 5, 250, FeeAsset.RECEIVED)
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
    assert (command.price_ticks, command.stop_price_ticks) == (0, 0)


def test_an_amendment_may_name_prices_alone() -> None:
    body = AmendOrderBody(order_id=3, price="102", stop_price="103.05")
    command = amend_order(body, order(3, 7), MARKET, 1, "k")
    assert command.quantity_lots is None
    assert (command.price_ticks, command.stop_price_ticks) == (2_040, 2_061)


def test_an_amendment_of_nothing_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        check_amendment(AmendOrderBody(order_id=3))
    assert (refused.value.code, refused.value.field) == ("MISSING_FIELD", "quantity")


def test_other_wishes_for_an_order_that_is_not_there_are_other_commands() -> None:
    wishes = [
        AmendOrderBody(client_order_id="mine", quantity="1"),
        AmendOrderBody(client_order_id="mine", price="1"),
        AmendOrderBody(client_order_id="mine", stop_price="1"),
        AmendOrderBody(client_order_id="mine", quantity="1 null", price="1"),
        AmendOrderBody(order_id=4, quantity="1"),
    ]
    commands = {amend_no_order(body, 7, "k") for body in wishes}
    assert len(commands) == len(wishes)
    assert amend_no_order(wishes[0], 7, "k") in commands


def test_a_cancel_all_is_of_one_side_or_both() -> None:
    assert cancel_all("", None, 7, "k").side is None
    command = cancel_all("TATA_INR", "SELL", 7, "k")
    assert (command.market, command.side, command.account_id) == ("TATA_INR", Side.SELL, 7)
    with pytest.raises(ApiError) as refused:
        cancel_all("", "both", 7, "k")
    assert (refused.value.code, refused.value.field) == ("INVALID_FIELD", "side")
