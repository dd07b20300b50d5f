"""Orders by themselves, steps 1 to 6: every rule broken, and the field that is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.markets import LiveMarket
from engine.core.rules import Refusal, order_fault
from shared.messages import FeeAsset, OrderType, PlaceOrder, Reject, Side, TimeInForce
from shared.money import AMOUNT_LIMIT, PPM
from tests.engine.core.rules.places import (
    FEES,
    NOW_NS,
    at_market,
    limit,
    market,
    stop,
    stop_limit,
    trailing,
    trailing_ppm,
)

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK, GTD = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD
LATER = NOW_NS + 1


def fault_of(command: PlaceOrder, live: LiveMarket | None = None) -> Refusal | None:
    return order_fault(command, live or market(last=100), NOW_NS, FEES)


GOOD = [
    limit(),
    limit(side=SELL, client_order_id="mine:1"),
    limit(time_in_force=IOC),
    limit(time_in_force=FOK),
    limit(time_in_force=GTD, expires_at_ns=LATER),
    limit(time_in_force=GTD, expires_at_ns=AMOUNT_LIMIT - 1, post_only=True, display_lots=9),
    limit(post_only=True, display_lots=1),
    at_market(),
    at_market(time_in_force=IOC),
    at_market(time_in_force=FOK),
    at_market(quantity_lots=0, budget_atoms=1),
    at_market(quantity_lots=0, budget_atoms=1, side=SELL, time_in_force=IOC),
    stop(),
    stop(side=SELL, time_in_force=FOK, reject_if_met=True),
    stop(quantity_lots=0, budget_atoms=1),
    stop(time_in_force=GTD, expires_at_ns=LATER),
    stop_limit(),
    stop_limit(price_ticks=1, side=SELL, time_in_force=IOC),
    trailing(),
    trailing(quantity_lots=0, budget_atoms=1),
    trailing(time_in_force=GTD, expires_at_ns=LATER, side=SELL),
    trailing_ppm(),
    trailing_ppm(trail_ppm=PPM, side=SELL),
]


@pytest.mark.parametrize("command", GOOD, ids=str)
def test_a_good_order_passes_with_a_price_and_without_one(command: PlaceOrder) -> None:
    assert fault_of(command) is None
    assert fault_of(command, market()) is None


PRICE = (Reject.INVALID_PRICE, "price_ticks")
STOP_PRICE = (Reject.INVALID_STOP_PRICE, "stop_price_ticks")
TRAIL_TICKS = (Reject.INVALID_TRAIL, "trail_ticks")
TRAIL_PPM = (Reject.INVALID_TRAIL, "trail_ppm")
QUANTITY = (Reject.INVALID_QUANTITY, "quantity_lots")
BUDGET = (Reject.INVALID_BUDGET, "budget_atoms")
DISPLAY = (Reject.INVALID_DISPLAY_QUANTITY, "display_lots")
IN_FORCE = (Reject.INVALID_TIME_IN_FORCE, "time_in_force")
EXPIRY = (Reject.INVALID_EXPIRY, "expires_at_ns")
POST_ONLY = (Reject.INVALID_POST_ONLY, "post_only")
CLIENT_ID = (Reject.INVALID_CLIENT_ORDER_ID, "client_order_id")

OUT_OF_SHAPE: list[tuple[PlaceOrder, tuple[Reject, str]]] = [
    (limit(price_ticks=0), PRICE),
    (limit(price_ticks=-1), PRICE),
    (limit(stop_price_ticks=1), STOP_PRICE),
    (limit(trail_ticks=1), TRAIL_TICKS),
    (limit(trail_ticks=-1), TRAIL_TICKS),
    (limit(trail_ppm=1), TRAIL_PPM),
    (limit(trail_ppm=-1), TRAIL_PPM),
    (limit(quantity_lots=0), QUANTITY),
    (limit(quantity_lots=-1), QUANTITY),
    (limit(budget_atoms=1), BUDGET),
    (limit(budget_atoms=-1), BUDGET),
    (limit(display_lots=-1), DISPLAY),
    (limit(display_lots=10), DISPLAY),
    (limit(display_lots=1, time_in_force=IOC), DISPLAY),
    (limit(display_lots=1, time_in_force=FOK), DISPLAY),
    (limit(expires_at_ns=LATER), EXPIRY),
    (limit(expires_at_ns=-1), EXPIRY),
    (limit(expires_at_ns=LATER, time_in_force=IOC), EXPIRY),
    (limit(time_in_force=GTD), EXPIRY),
    (limit(time_in_force=GTD, expires_at_ns=NOW_NS), EXPIRY),
    (limit(time_in_force=GTD, expires_at_ns=AMOUNT_LIMIT), EXPIRY),
    (limit(post_only=True, time_in_force=IOC), POST_ONLY),
    (limit(post_only=True, time_in_force=FOK), POST_ONLY),
    (limit(client_order_id="a b"), CLIENT_ID),
    (at_market(client_order_id="x" * 65), CLIENT_ID),
    (at_market(price_ticks=1), PRICE),
    (at_market(price_ticks=-1), PRICE),
    (at_market(stop_price_ticks=1), STOP_PRICE),
    (at_market(trail_ticks=1), TRAIL_TICKS),
    (at_market(trail_ppm=1), TRAIL_PPM),
    (at_market(quantity_lots=0), QUANTITY),
    (at_market(budget_atoms=1), QUANTITY),
    (at_market(quantity_lots=0, budget_atoms=-1), BUDGET),
    (at_market(quantity_lots=0, budget_atoms=1, time_in_force=FOK), IN_FORCE),
    (at_market(time_in_force=GTD, expires_at_ns=LATER), IN_FORCE),
    (at_market(expires_at_ns=LATER), EXPIRY),
    (at_market(display_lots=1), DISPLAY),
    (at_market(post_only=True), POST_ONLY),
    (stop(price_ticks=1), PRICE),
    (stop(stop_price_ticks=0), STOP_PRICE),
    (stop(stop_price_ticks=-1), STOP_PRICE),
    (stop(trail_ticks=1), TRAIL_TICKS),
    (stop(quantity_lots=0, budget_atoms=1, side=SELL), QUANTITY),
    (stop(budget_atoms=1, side=SELL), BUDGET),
    (stop(budget_atoms=1), QUANTITY),
    (stop(quantity_lots=0, budget_atoms=1, time_in_force=FOK), IN_FORCE),
    (stop(display_lots=1), DISPLAY),
    (stop(post_only=True), POST_ONLY),
    (stop(time_in_force=GTD), EXPIRY),
    (stop_limit(price_ticks=0), PRICE),
    (stop_limit(stop_price_ticks=0), STOP_PRICE),
    (stop_limit(budget_atoms=1), BUDGET),
    (stop_limit(quantity_lots=0, budget_atoms=1), QUANTITY),
    (stop_limit(display_lots=1), DISPLAY),
    (stop_limit(post_only=True), POST_ONLY),
    (trailing(price_ticks=1), PRICE),
    (trailing(stop_price_ticks=1), STOP_PRICE),
    (trailing(trail_ticks=0), TRAIL_TICKS),
    (trailing(trail_ticks=-1), TRAIL_TICKS),
    (trailing(trail_ppm=1), TRAIL_PPM),
    (trailing_ppm(trail_ppm=PPM + 1), TRAIL_PPM),
    (trailing_ppm(trail_ppm=-1), TRAIL_PPM),
    (trailing(quantity_lots=0, budget_atoms=1, side=SELL), QUANTITY),
]


@pytest.mark.parametrize(("command", "expected"), OUT_OF_SHAPE, ids=str)
def test_an_order_out_of_shape_is_refused(
    command: PlaceOrder, expected: tuple[Reject, str]
) -> None:
    assert fault_of(command) == expected


GRID: dict[str, Any] = {
    "price_step_ticks": 5,
    "quantity_step_lots": 2,
    "quantity_min_lots": 4,
    "quantity_max_lots": 20,
}
TICK = Reject.INVALID_TICK
LOT = (Reject.INVALID_LOT, "quantity_lots")
TOO_SMALL = (Reject.QUANTITY_TOO_SMALL, "quantity_lots")
TOO_LARGE = (Reject.QUANTITY_TOO_LARGE, "quantity_lots")

OFF_THE_GRID: list[tuple[PlaceOrder, tuple[Reject, str] | None]] = [
    (limit(), None),
    (limit(price_ticks=101), (TICK, "price_ticks")),
    (stop_limit(price_ticks=101), (TICK, "price_ticks")),
    (stop_limit(stop_price_ticks=101), (TICK, "stop_price_ticks")),
    (stop(stop_price_ticks=101), (TICK, "stop_price_ticks")),
    (trailing(trail_ticks=3), None),
    (limit(quantity_lots=11), LOT),
    (limit(quantity_lots=3), LOT),
    (limit(display_lots=3), (Reject.INVALID_LOT, "display_lots")),
    (limit(display_lots=2), None),
    (at_market(quantity_lots=11), LOT),
    (limit(quantity_lots=2), TOO_SMALL),
    (limit(quantity_lots=4), None),
    (trailing(quantity_lots=2), TOO_SMALL),
    (limit(quantity_lots=20), None),
    (limit(quantity_lots=22), TOO_LARGE),
    (at_market(quantity_lots=22), TOO_LARGE),
    (at_market(quantity_lots=0, budget_atoms=1), None),
]


@pytest.mark.parametrize(("command", "expected"), OFF_THE_GRID, ids=str)
def test_an_order_keeps_to_the_grid(
    command: PlaceOrder, expected: tuple[Reject, str] | None
) -> None:
    assert fault_of(command, market(last=100, **GRID)) == expected


WORTH: list[tuple[PlaceOrder, int, str | None]] = [
    (limit(price_ticks=100), 0, None),
    (limit(price_ticks=99), 0, "quantity_lots"),
    (stop_limit(price_ticks=99, stop_price_ticks=200), 0, "quantity_lots"),
    (stop_limit(price_ticks=100, stop_price_ticks=1), 0, None),
    (stop(stop_price_ticks=99), 200, "quantity_lots"),
    (stop(stop_price_ticks=100, side=SELL), 1, None),
    (at_market(), 0, None),
    (at_market(), 100, None),
    (at_market(), 99, "quantity_lots"),
    (trailing(trail_ticks=50), 99, "quantity_lots"),
    (trailing(trail_ticks=50, side=SELL), 100, None),
    (trailing(), 0, None),
    (at_market(quantity_lots=0, budget_atoms=999), 0, "budget_atoms"),
    (at_market(quantity_lots=0, budget_atoms=1_000), 0, None),
    (stop(quantity_lots=0, budget_atoms=999), 0, "budget_atoms"),
    (trailing(quantity_lots=0, budget_atoms=999), 0, "budget_atoms"),
]


@pytest.mark.parametrize(("command", "last", "field"), WORTH, ids=str)
def test_an_order_is_worth_the_least_that_the_market_takes(
    command: PlaceOrder, last: int, field: str | None
) -> None:
    expected = field and (Reject.NOTIONAL_TOO_SMALL, field)
    assert fault_of(command, market(last=last, notional_min_atoms=1_000)) == expected


def test_before_the_first_trade_the_reference_price_says_what_an_order_is_worth() -> None:
    live = market(reference_price_ticks=99, notional_min_atoms=1_000)
    assert fault_of(at_market(), live) == (Reject.NOTIONAL_TOO_SMALL, "quantity_lots")


BIG = AMOUNT_LIMIT // 10  # Ten lots at this price are just below the limit.

TOO_BIG: list[tuple[PlaceOrder, str | None]] = [
    (limit(price_ticks=BIG), None),
    (limit(price_ticks=BIG + 1), "price_ticks"),
    (limit(price_ticks=BIG + 1, side=SELL), "price_ticks"),
    (limit(price_ticks=10**40), "price_ticks"),
    (limit(quantity_lots=10**40), "price_ticks"),
    (stop(stop_price_ticks=BIG), None),
    (stop(stop_price_ticks=BIG + 1), "stop_price_ticks"),
    (stop(quantity_lots=0, budget_atoms=1, stop_price_ticks=AMOUNT_LIMIT - 1), None),
    (stop(quantity_lots=0, budget_atoms=1, stop_price_ticks=AMOUNT_LIMIT), "stop_price_ticks"),
    (stop_limit(price_ticks=BIG + 1), "price_ticks"),
    (stop_limit(stop_price_ticks=AMOUNT_LIMIT - 1), None),
    (stop_limit(stop_price_ticks=AMOUNT_LIMIT), "stop_price_ticks"),
    (at_market(quantity_lots=AMOUNT_LIMIT - 1), None),
    (at_market(quantity_lots=AMOUNT_LIMIT), "quantity_lots"),
    (at_market(quantity_lots=0, budget_atoms=AMOUNT_LIMIT - 1), None),
    (at_market(quantity_lots=0, budget_atoms=AMOUNT_LIMIT), "budget_atoms"),
    (trailing(trail_ticks=BIG - 100), None),
    (trailing(trail_ticks=BIG), "quantity_lots"),
    (trailing(trail_ticks=BIG, side=SELL), None),
    (trailing(trail_ticks=AMOUNT_LIMIT, side=SELL), "trail_ticks"),
    (trailing(quantity_lots=0, budget_atoms=1, trail_ticks=AMOUNT_LIMIT - 101), None),
    (trailing(quantity_lots=0, budget_atoms=1, trail_ticks=AMOUNT_LIMIT - 100), "trail_ticks"),
    (trailing_ppm(quantity_lots=10**40), "quantity_lots"),
]


@pytest.mark.parametrize(("command", "field"), TOO_BIG, ids=str)
def test_every_amount_stays_below_the_limit(command: PlaceOrder, field: str | None) -> None:
    assert fault_of(command) == (field and (Reject.AMOUNT_LIMIT, field))


def test_the_fee_that_an_order_holds_counts_by_the_higher_of_its_rates() -> None:
    live = market(fee_asset=FeeAsset.QUOTE, last=1)
    # With a fifth on top, ten lots at this price are one step from the limit.
    price_ticks = AMOUNT_LIMIT * 10 // 12 // 10
    for command in (limit(price_ticks=price_ticks), stop(stop_price_ticks=price_ticks)):
        assert fault_of(command, live) is None
    above = price_ticks + 1
    assert fault_of(limit(price_ticks=above), live) == (Reject.AMOUNT_LIMIT, "price_ticks")
    assert fault_of(stop(stop_price_ticks=above), live) == (
        Reject.AMOUNT_LIMIT,
        "stop_price_ticks",
    )
    assert fault_of(trailing(trail_ticks=above), live) == (Reject.AMOUNT_LIMIT, "quantity_lots")
    assert order_fault(limit(price_ticks=above), live, NOW_NS, (-5, 0)) is None


def test_a_lot_of_many_atoms_is_limited_by_its_atoms() -> None:
    live = market(lot_atoms=10**8)
    many = {"quantity_lots": 10**11, "side": SELL}
    for command in (limit(price_ticks=1, **many), at_market(**many), trailing(**many)):
        assert fault_of(command, live) == (Reject.AMOUNT_LIMIT, "quantity_lots")


ORDERED: list[tuple[PlaceOrder, Reject]] = [
    (limit(price_ticks=0, quantity_lots=0, client_order_id="a b"), Reject.INVALID_PRICE),
    (limit(price_ticks=101, client_order_id="a b"), Reject.INVALID_CLIENT_ORDER_ID),
    (limit(price_ticks=101, quantity_lots=3), Reject.INVALID_TICK),
    (limit(price_ticks=5, quantity_lots=3), Reject.INVALID_LOT),
    (limit(price_ticks=5, quantity_lots=2), Reject.QUANTITY_TOO_SMALL),
    (limit(price_ticks=5, quantity_lots=4), Reject.NOTIONAL_TOO_SMALL),
    (limit(price_ticks=5 * 10**30, quantity_lots=22), Reject.QUANTITY_TOO_LARGE),
    (limit(price_ticks=5 * 10**30, quantity_lots=4), Reject.AMOUNT_LIMIT),
]


@pytest.mark.parametrize(("command", "code"), ORDERED, ids=str)
def test_the_first_rule_broken_is_the_answer(command: PlaceOrder, code: Reject) -> None:
    fault = fault_of(command, market(last=100, notional_min_atoms=1_000, **GRID))
    assert fault is not None
    assert fault.code is code


ANY = st.integers() | st.integers(-2, 2) | st.integers(2**63 - 2, 2**63 + 2) | st.just(0)
NUMBERS = (
    "price_ticks",
    "quantity_lots",
    "budget_atoms",
    "expires_at_ns",
    "display_lots",
    "stop_price_ticks",
    "trail_ticks",
    "trail_ppm",
)
COMMANDS = st.builds(
    PlaceOrder,
    market=st.just("BTC_USD"),
    side=st.sampled_from(list(Side)),
    type=st.sampled_from(list(OrderType)),
    time_in_force=st.sampled_from(list(TimeInForce)),
    post_only=st.booleans(),
    client_order_id=st.text(max_size=3),
    **dict.fromkeys(NUMBERS, ANY),
)


@given(COMMANDS, st.integers(0, 200), st.sampled_from(list(FeeAsset)))
def test_an_order_of_any_integers_is_answered_and_what_passes_is_an_amount(
    command: PlaceOrder, last: int, fee_asset: FeeAsset
) -> None:
    live = market(last=last, fee_asset=fee_asset)
    if order_fault(command, live, NOW_NS, FEES) is None:
        sizes: list[Any] = [getattr(command, name) for name in NUMBERS]
        assert all(0 <= size < AMOUNT_LIMIT for size in sizes)
        assert command.price_ticks * command.quantity_lots < AMOUNT_LIMIT
