"""The traffic of a measurement, which is the same in each run."""

from collections import Counter
from itertools import islice

from rialto.load.feed.flow import flow, opening
from shared.messages import CancelOrder, CreateMarket, PlaceOrder, TimeInForce

MARKETS = ("A_USD", "B_USD")


def test_the_same_name_is_the_same_traffic_and_every_key_is_new() -> None:
    first, again = (
        list(islice(flow(MARKETS, trades_percent=10, prefix="p"), 2_000)) for _ in range(2)
    )
    assert first == again
    other = list(islice(flow(MARKETS, trades_percent=10, prefix="q"), 2_000))
    keys = Counter(
        (command.account_id, command.idempotency_key)
        for command in [*opening(MARKETS), *first, *other]
    )
    assert max(keys.values()) == 1


def test_the_share_of_trades_is_the_stated_one() -> None:
    commands = list(islice(flow(MARKETS, trades_percent=10, prefix="p"), 5_000))
    trades = [
        command
        for command in commands
        if isinstance(command, PlaceOrder) and command.time_in_force is TimeInForce.IOC
    ]
    assert 400 < len(trades) < 600
    assert not [
        command
        for command in islice(flow(MARKETS, trades_percent=0, prefix="p"), 1_000)
        if isinstance(command, PlaceOrder) and command.time_in_force is TimeInForce.IOC
    ]


def test_what_is_cancelled_was_placed_and_not_cancelled_before() -> None:
    open_orders: set[str] = set()
    for command in islice(flow(MARKETS, trades_percent=10, prefix="p"), 5_000):
        if isinstance(command, CancelOrder):
            open_orders.remove(command.client_order_id)
        elif isinstance(command, PlaceOrder) and command.client_order_id:
            open_orders.add(command.client_order_id)
    assert len(open_orders) < 200


def test_the_opening_makes_every_market() -> None:
    made = [command.market for command in opening(MARKETS) if isinstance(command, CreateMarket)]
    assert made == list(MARKETS)
