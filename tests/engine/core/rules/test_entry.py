"""The moment at which an order comes: the market's status, its band, and its prices."""

from typing import Any

import pytest

from engine.core import rules
from shared.messages import MarketStatus, PlaceOrder, Reject, Side, TimeInForce
from tests.engine.core.rules.places import (
    at_market,
    limit,
    market,
    resting,
    stop,
    stop_limit,
    trailing,
    trailing_ppm,
)

BUY, SELL = Side.BUY, Side.SELL
IOC, FOK, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD
SHUT = [
    (MarketStatus.CANCEL_ONLY, Reject.MARKET_CANCEL_ONLY),
    (MarketStatus.HALTED, Reject.MARKET_HALTED),
    (MarketStatus.CLOSED, Reject.MARKET_CLOSED),
]


@pytest.mark.parametrize(
    ("side", "price_ticks", "takes"),
    [(BUY, 109, False), (BUY, 110, True), (SELL, 91, False), (SELL, 90, True), (SELL, 1, True)],
)
def test_an_order_takes_from_the_best_price_on(side: Side, price_ticks: int, takes: bool) -> None:
    live = market()
    assert not rules.would_take(live, side, price_ticks)
    live.asks.add(resting(1, SELL, 110))
    live.bids.add(resting(2, BUY, 90))
    assert rules.would_take(live, side, price_ticks) is takes


@pytest.mark.parametrize(
    ("command", "stays"),
    [
        (limit(), True),
        (limit(time_in_force=GTD), True),
        (limit(time_in_force=IOC), False),
        (limit(time_in_force=FOK), False),
        (at_market(), False),
        (stop(time_in_force=IOC), True),
        (stop_limit(time_in_force=FOK), True),
        (trailing(), True),
    ],
)
def test_what_may_rest_or_wait_counts_as_open(command: PlaceOrder, stays: bool) -> None:
    assert rules.may_stay(command) is stays


@pytest.mark.parametrize(
    ("command", "good"),
    [
        (limit(), True),
        (limit(price_ticks=110), False),
        (limit(time_in_force=IOC), False),
        (limit(time_in_force=FOK), False),
        (at_market(), False),
        (stop(), True),
        (stop_limit(price_ticks=110, time_in_force=IOC), True),
        (trailing(), True),
    ],
)
def test_in_a_post_only_market_nobody_takes(command: PlaceOrder, good: bool) -> None:
    live = market()
    live.asks.add(resting(1, SELL, 110))
    assert rules.status_fault(command, live) is None
    live.status = MarketStatus.POST_ONLY
    expected = None if good else (Reject.MARKET_POST_ONLY, "market")
    assert rules.status_fault(command, live) == expected


@pytest.mark.parametrize(("status", "code"), SHUT)
def test_a_market_that_is_shut_takes_neither_orders_nor_amends(
    status: MarketStatus, code: Reject
) -> None:
    live = market()
    live.status = status
    assert rules.status_fault(limit(), live) == (code, "market")
    for only_lowers in (True, False):
        fault = rules.amend_status_fault(live, BUY, 0, only_lowers=only_lowers)
        assert fault == (code, "market")


@pytest.mark.parametrize(
    ("price_ticks", "only_lowers", "good"),
    [(109, False, True), (110, False, False), (110, True, True), (0, False, True)],
)
def test_in_a_post_only_market_an_amended_order_may_not_take(
    price_ticks: int, only_lowers: bool, good: bool
) -> None:
    live = market()
    live.asks.add(resting(1, SELL, 110))
    assert rules.amend_status_fault(live, BUY, price_ticks, only_lowers=only_lowers) is None
    live.status = MarketStatus.POST_ONLY
    fault = rules.amend_status_fault(live, BUY, price_ticks, only_lowers=only_lowers)
    assert fault == (None if good else (Reject.MARKET_POST_ONLY, "market"))


@pytest.mark.parametrize(
    ("command", "good"),
    [
        (limit(price_ticks=90), True),
        (limit(price_ticks=110), True),
        (limit(price_ticks=89), False),
        (limit(price_ticks=111), False),
        (limit(price_ticks=94, side=SELL), False),
        (limit(price_ticks=105, side=SELL), True),
        (limit(price_ticks=106, side=SELL), False),
        (stop_limit(price_ticks=111, stop_price_ticks=100), False),
        (stop_limit(price_ticks=100, stop_price_ticks=999), True),
        (stop(stop_price_ticks=999), True),
        (at_market(), True),
    ],
)
def test_a_price_lies_within_the_band_of_its_side(command: PlaceOrder, good: bool) -> None:
    live = market(buy_band_ppm=100_000, sell_band_ppm=50_000)
    assert rules.band_fault(command, live) is None, "There is no price yet."
    live.last_price_ticks = 100
    expected = None if good else (Reject.PRICE_OUT_OF_BAND, "price_ticks")
    assert rules.band_fault(command, live) == expected


TAKES = (Reject.POST_ONLY_WOULD_TAKE, "price_ticks")
MET = (Reject.STOP_ALREADY_MET, "stop_price_ticks")


@pytest.mark.parametrize(
    ("command", "last", "expected"),
    [
        (limit(price_ticks=110), 0, None),
        (limit(price_ticks=109, post_only=True), 0, None),
        (limit(price_ticks=110, post_only=True), 0, TAKES),
        (trailing(), 0, (Reject.NO_PRICE_YET, "trail_ticks")),
        (trailing_ppm(), 0, (Reject.NO_PRICE_YET, "trail_ppm")),
        (trailing(reject_if_met=True), 100, None),
        (stop(), 100, None),
        (stop(reject_if_met=True), 99, None),
        (stop(reject_if_met=True), 100, MET),
        (stop(reject_if_met=True, side=SELL), 101, None),
        (stop_limit(reject_if_met=True, side=SELL), 100, MET),
        (stop(reject_if_met=True, side=SELL), 0, None),
        (limit(reject_if_met=True), 100, None),
    ],
)
def test_an_order_may_ask_something_of_the_prices_as_they_are(
    command: PlaceOrder, last: int, expected: Any
) -> None:
    live = market(last=last)
    live.asks.add(resting(1, SELL, 110))
    assert rules.price_fault(command, live) == expected


def test_a_reference_price_is_a_price_to_trail_from_but_meets_no_stop() -> None:
    live = market(reference_price_ticks=100)
    assert rules.price_fault(trailing(), live) is None
    assert rules.price_fault(stop(reject_if_met=True), live) is None
