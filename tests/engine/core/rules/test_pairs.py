"""Two orders of one command: what makes a pair, and the part that a refusal names."""

from typing import Any

import pytest

from engine.core import rules
from shared.messages import PlaceOco, PlaceOrder, PlaceOto, Reject, Side, TimeInForce
from tests.engine.core.rules.places import (
    FEES,
    NOW_NS,
    at_market,
    limit,
    market,
    resting,
    stop,
    stop_limit,
    trailing,
)

SELL = Side.SELL
IOC, FOK, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD
PAIR, PRICE = Reject.INVALID_ORDER_PAIR, Reject.INVALID_PRICE


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (limit(), stop(), None),
        (limit(post_only=True, display_lots=1), stop_limit(time_in_force=IOC), None),
        (limit(time_in_force=GTD, expires_at_ns=NOW_NS + 1, side=SELL), stop(side=SELL), None),
        (at_market(), stop(), (PAIR, "limit.type")),
        (limit(time_in_force=IOC), stop(), (PAIR, "limit.time_in_force")),
        (limit(time_in_force=FOK), stop(), (PAIR, "limit.time_in_force")),
        (limit(), limit(), (PAIR, "stop.type")),
        (limit(), trailing(), (PAIR, "stop.type")),
        (limit(), stop(market="ETH_USD"), (PAIR, "stop.market")),
        (limit(), stop(side=SELL), (PAIR, "stop.side")),
        (limit(), stop(quantity_lots=9), (PAIR, "stop.quantity_lots")),
        (limit(), stop(quantity_lots=0, budget_atoms=5), (PAIR, "stop.quantity_lots")),
        (limit(price_ticks=0), stop(), (PRICE, "limit.price_ticks")),
        (limit(), stop(price_ticks=1), (PRICE, "stop.price_ticks")),
        (
            limit(),
            stop(stop_price_ticks=0),
            (Reject.INVALID_STOP_PRICE, "stop.stop_price_ticks"),
        ),
    ],
)
def test_a_limit_and_a_stop_of_one_size_are_a_pair(
    first: PlaceOrder, second: PlaceOrder, expected: Any
) -> None:
    command = PlaceOco(account_id=1, limit=first, stop=second)
    assert rules.oco_fault(command, market(), NOW_NS, FEES) == expected


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        (limit(), at_market(side=SELL, quantity_lots=3), None),
        (limit(time_in_force=FOK), trailing(), None),
        (limit(), stop_limit(), None),
        (at_market(), limit(), (PAIR, "parent.type")),
        (stop(), limit(), (PAIR, "parent.type")),
        (limit(), limit(market="ETH_USD"), (PAIR, "child.market")),
        (limit(price_ticks=-1), limit(price_ticks=-1), (PRICE, "parent.price_ticks")),
        (limit(), limit(price_ticks=-1), (PRICE, "child.price_ticks")),
    ],
)
def test_a_limit_order_triggers_any_order_of_its_market(
    parent: PlaceOrder, child: PlaceOrder, expected: Any
) -> None:
    command = PlaceOto(account_id=1, parent=parent, child=child)
    assert rules.oto_fault(command, market(), NOW_NS, FEES) == expected


@pytest.mark.parametrize(
    ("price_ticks", "stop_price_ticks", "expected"),
    [
        (100, 121, None),
        (110, 121, (Reject.POST_ONLY_WOULD_TAKE, "limit.price_ticks")),
        (110, 120, (Reject.POST_ONLY_WOULD_TAKE, "limit.price_ticks")),
        (100, 120, (Reject.STOP_ALREADY_MET, "stop.stop_price_ticks")),
    ],
)
def test_a_pair_always_waits_first(price_ticks: int, stop_price_ticks: int, expected: Any) -> None:
    live = market(last=120)
    live.asks.add(resting(1, SELL, 110))
    pair = limit(price_ticks=price_ticks), stop(stop_price_ticks=stop_price_ticks)
    command = PlaceOco(account_id=1, limit=pair[0], stop=pair[1])
    assert rules.oco_price_fault(command, live) == expected
