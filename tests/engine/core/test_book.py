"""A ladder by itself: the best price, the queues, and what it says has changed."""

from random import Random

from engine.core.book import Ladder
from shared.messages import Order, OrderStatus, OrderType, Side, TimeInForce


def order(order_id: int, side: Side, price_ticks: int, lots: int) -> Order:
    return Order(
        order_id,
        1,
        "",
        "BTC_USD",
        side,
        OrderType.LIMIT,
        TimeInForce.GTC,
        price_ticks,
        lots,
        budget_atoms=0,
        filled_lots=0,
        filled_quote_atoms=0,
        fee_atoms=0,
        held_atoms=lots,
        status=OrderStatus.OPEN,
        rank=order_id,
        placed_at_ns=0,
        updated_at_ns=0,
    )


def test_the_best_bid_is_the_highest_and_the_best_ask_the_lowest() -> None:
    for side, best_first in ((Side.BUY, [7, 6, 5]), (Side.SELL, [5, 6, 7])):
        ladder = Ladder(side)
        for order_id, price_ticks in enumerate((6, 5, 7), 1):
            ladder.add(order(order_id, side, price_ticks, 1))
        assert ladder.best_price() == best_first[0]
        assert [price for price, _ in ladder.depth(9)] == best_first
        assert ladder.take_changes() == tuple((price, 1) for price in best_first)


def test_a_level_that_comes_and_goes_in_one_command_is_no_change() -> None:
    ladder = Ladder(Side.BUY)
    stays, goes = order(1, Side.BUY, 5, 3), order(2, Side.BUY, 5, 4)
    ladder.add(stays)
    assert ladder.take_changes() == ((5, 3),)
    ladder.add(goes)
    ladder.remove(goes, 4)
    assert ladder.take_changes() == ()
    ladder.reduce(stays, 1)
    assert ladder.take_changes() == ((5, 2),)
    ladder.remove(stays, 2)
    assert ladder.take_changes() == ((5, 0),)
    assert ladder.best_price() is None


def test_random_orders_leave_what_a_plain_list_leaves() -> None:
    draw, ladder = Random(1), Ladder(Side.SELL)
    resting: list[Order] = []
    for order_id in range(1, 2_000):
        if resting and draw.random() < 0.48:
            gone = resting.pop(draw.randrange(len(resting)))
            ladder.remove(gone, gone.quantity_lots)
        else:
            resting.append(order(order_id, Side.SELL, draw.randint(1, 60), draw.randint(1, 9)))
            ladder.add(resting[-1])
        prices = sorted({order.price_ticks for order in resting})
        assert ladder.best_price() == (prices[0] if prices else None)
    assert [level.price_ticks for level in ladder.best_first()] == prices
    for level in ladder.best_first():
        queue = [each for each in resting if each.price_ticks == level.price_ticks]
        assert list(level.orders.values()) == queue
        assert level.lots == sum(each.quantity_lots for each in queue)
