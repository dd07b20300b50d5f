"""New terms of an order that lives: every rule broken, and what is not looked at again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import rules
from shared.messages import (
    AmendOrder,
    FeeAsset,
    Order,
    OrderStatus,
    OrderTerms,
    OrderType,
    Reject,
    Side,
)
from shared.money import AMOUNT_LIMIT
from tests.engine.core.rules.places import market, resting

BUY = Side.BUY
PENDING = OrderStatus.PENDING


def amend(quantity_lots: int | None = None, price: int = 0, stop: int = 0) -> AmendOrder:
    return AmendOrder(
        account_id=1,
        order_id=1,
        quantity_lots=quantity_lots,
        price_ticks=price,
        stop_price_ticks=stop,
    )


def plain(**fields: Any) -> Order:
    return resting(1, BUY, 100, **fields)


def waiting(order_type: OrderType, price_ticks: int, stop: int = 120, **fields: Any) -> Order:
    terms = OrderTerms(stop_price_ticks=stop)
    kind = {"type": order_type, "status": PENDING, "open_lots": 0, "terms": terms}
    return resting(1, BUY, price_ticks, **(kind | fields))


def by_budget() -> Order:
    return waiting(OrderType.STOP, 0, quantity_lots=0, budget_atoms=500)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (amend(-1), (Reject.INVALID_QUANTITY, "quantity_lots")),
        (amend(price=-1), (Reject.INVALID_PRICE, "price_ticks")),
        (amend(stop=-1), (Reject.INVALID_STOP_PRICE, "stop_price_ticks")),
        (amend(0), None),
        (amend(), None),
    ],
)
def test_what_is_wrong_whatever_the_order_is(command: AmendOrder, expected: Any) -> None:
    assert rules.amend_shape_fault(command) == expected


NOTHING = (Reject.NOTHING_TO_AMEND, "")
QUANTITY = (Reject.INVALID_QUANTITY, "quantity_lots")
PRICE = (Reject.INVALID_PRICE, "price_ticks")
STOP_PRICE = (Reject.INVALID_STOP_PRICE, "stop_price_ticks")

NAMED: list[tuple[AmendOrder, Order, tuple[Reject, str] | None]] = [
    (amend(), plain(), NOTHING),
    (amend(10, price=100), plain(), NOTHING),
    (amend(10, price=100, stop=120), waiting(OrderType.STOP_LIMIT, 100), NOTHING),
    (amend(stop=120), waiting(OrderType.STOP, 0), NOTHING),
    (amend(9), plain(), None),
    (amend(11), plain(), None),
    (amend(price=101), plain(), None),
    (amend(0, price=7, stop=7), plain(), None),
    (amend(4, price=7), plain(filled_lots=4), None),
    (amend(price=101), waiting(OrderType.STOP_LIMIT, 100), None),
    (amend(stop=121), waiting(OrderType.STOP_LIMIT, 100), None),
    (amend(stop=121), waiting(OrderType.STOP, 0), None),
    (amend(stop=121), by_budget(), None),
    (amend(11), waiting(OrderType.TRAILING_STOP, 0), None),
    (amend(0), by_budget(), QUANTITY),
    (amend(1), by_budget(), QUANTITY),
    (amend(price=101), waiting(OrderType.STOP, 0), PRICE),
    (amend(price=101), waiting(OrderType.TRAILING_STOP, 0), PRICE),
    (amend(stop=121), plain(), STOP_PRICE),
    (amend(stop=121), waiting(OrderType.TRAILING_STOP, 0), STOP_PRICE),
    (amend(stop=121), waiting(OrderType.STOP_LIMIT, 100, status=OrderStatus.OPEN), STOP_PRICE),
]


@pytest.mark.parametrize(("command", "order", "expected"), NAMED, ids=str)
def test_an_amend_names_what_the_order_has(
    command: AmendOrder, order: Order, expected: tuple[Reject, str] | None
) -> None:
    assert rules.amend_fault(command, order, market(last=100)) == expected


GRID: dict[str, Any] = {
    "price_step_ticks": 7,
    "quantity_step_lots": 3,
    "quantity_min_lots": 6,
    "quantity_max_lots": 12,
}
LOT = (Reject.INVALID_LOT, "quantity_lots")

CHANGED_RULES: list[tuple[AmendOrder, Order, tuple[Reject, str] | None]] = [
    (amend(9), plain(), None),
    (amend(price=105), plain(), None),
    (amend(12, price=105), plain(), None),
    (amend(price=104), plain(), (Reject.INVALID_TICK, "price_ticks")),
    (amend(9, price=100), plain(), None),
    (amend(stop=119), waiting(OrderType.STOP, 0), None),
    (amend(stop=121), waiting(OrderType.STOP, 0), (Reject.INVALID_TICK, "stop_price_ticks")),
    (amend(8), plain(), LOT),
    (amend(11), plain(), LOT),
    (amend(3), plain(), (Reject.QUANTITY_TOO_SMALL, "quantity_lots")),
    (amend(3), plain(filled_lots=3), None),
    (amend(15), plain(), (Reject.QUANTITY_TOO_LARGE, "quantity_lots")),
    (amend(15), plain(quantity_lots=20), None),
]


@pytest.mark.parametrize(("command", "order", "expected"), CHANGED_RULES, ids=str)
def test_only_what_is_new_keeps_to_rules_that_changed(
    command: AmendOrder, order: Order, expected: tuple[Reject, str] | None
) -> None:
    assert rules.amend_fault(command, order, market(last=100, **GRID)) == expected


BIG = AMOUNT_LIMIT // 10
WORTH = (Reject.NOTIONAL_TOO_SMALL, "quantity_lots")

SIZES: list[tuple[AmendOrder, Order, tuple[Reject, str] | None]] = [
    (amend(5), plain(), None),
    (amend(4), plain(), WORTH),
    (amend(price=49), plain(), WORTH),
    (amend(4), waiting(OrderType.STOP, 0, 125), None),
    (amend(4), waiting(OrderType.STOP, 0, 124), WORTH),
    (amend(4), waiting(OrderType.TRAILING_STOP, 0, 200), WORTH),
    (amend(price=BIG), plain(), None),
    (amend(price=BIG + 1), plain(), (Reject.AMOUNT_LIMIT, "price_ticks")),
    (amend(10**40), plain(), (Reject.AMOUNT_LIMIT, "price_ticks")),
    (amend(stop=BIG + 1), waiting(OrderType.STOP, 0), (Reject.AMOUNT_LIMIT, "stop_price_ticks")),
    (amend(stop=AMOUNT_LIMIT), by_budget(), (Reject.AMOUNT_LIMIT, "stop_price_ticks")),
    (
        amend(stop=AMOUNT_LIMIT),
        waiting(OrderType.STOP_LIMIT, 100),
        (Reject.AMOUNT_LIMIT, "stop_price_ticks"),
    ),
    (
        amend(BIG),
        waiting(OrderType.TRAILING_STOP, 0, 120),
        (Reject.AMOUNT_LIMIT, "quantity_lots"),
    ),
]


@pytest.mark.parametrize(("command", "order", "expected"), SIZES, ids=str)
def test_new_terms_are_worth_the_least_and_below_the_limit(
    command: AmendOrder, order: Order, expected: tuple[Reject, str] | None
) -> None:
    live = market(last=100, notional_min_atoms=500)
    assert rules.amend_fault(command, order, live) == expected


def test_the_fees_of_its_entry_count_for_what_an_amended_order_holds() -> None:
    live = market(fee_asset=FeeAsset.QUOTE)
    order = plain(maker_fee_ppm=0, taker_fee_ppm=200_000)
    price_ticks = AMOUNT_LIMIT * 10 // 12 // 10
    assert rules.amend_fault(amend(price=price_ticks), order, live) is None
    fault = rules.amend_fault(amend(price=price_ticks + 1), order, live)
    assert fault == (Reject.AMOUNT_LIMIT, "price_ticks")


@pytest.mark.parametrize(
    ("command", "lowers", "closes"),
    [
        (amend(9), True, False),
        (amend(9, price=100), True, False),
        (amend(9, price=101), False, False),
        (amend(9, stop=5), False, False),
        (amend(10), False, False),
        (amend(11), False, False),
        (amend(price=101), False, False),
        (amend(4), True, True),
        (amend(3, price=101), False, True),
    ],
)
def test_a_smaller_quantity_alone_keeps_the_place_and_one_already_filled_closes(
    command: AmendOrder, lowers: bool, closes: bool
) -> None:
    order = plain(filled_lots=4)
    assert rules.only_lowers(command, order) is lowers
    assert rules.closes(command, order) is closes


ANY = st.integers() | st.integers(-2, 12) | st.integers(2**63 - 2, 2**63 + 2)
ORDERS = [
    plain(filled_lots=4),
    by_budget(),
    *(waiting(kind, 0) for kind in (OrderType.STOP, OrderType.TRAILING_STOP)),
    waiting(OrderType.STOP_LIMIT, 100),
]


@given(st.none() | ANY, ANY, ANY, st.sampled_from(ORDERS))
def test_an_amend_of_any_integers_is_answered_and_what_passes_is_an_amount(
    quantity_lots: int | None, price: int, stop: int, order: Order
) -> None:
    command = amend(quantity_lots, price, stop)
    fault = rules.amend_fault(command, order, market(last=100, **GRID))
    is_amended = rules.amend_shape_fault(command) is None and fault is None
    if is_amended and not rules.closes(command, order):
        assert all(0 <= each < AMOUNT_LIMIT for each in (quantity_lots or 0, price, stop))
