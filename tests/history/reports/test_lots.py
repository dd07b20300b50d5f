"""What trades have made, first in, first out, against a queue of single lots."""

from collections import deque
from random import Random

from history.reports.lots import Lots


def test_a_sale_closes_the_oldest_purchase_first() -> None:
    lots = Lots()
    assert lots.buy(100, 2) == 0
    assert lots.buy(200, 2) == 0
    assert lots.sell(150, 3) == 50 + 50 - 50
    assert lots.net_lots == 1
    assert lots.cost_tick_lots == 200


def test_a_sale_beyond_what_was_bought_is_open_until_it_is_bought_back() -> None:
    lots = Lots()
    lots.buy(100, 1)
    assert lots.sell(130, 3) == 30
    assert lots.net_lots == -2
    assert lots.cost_tick_lots == -260
    assert lots.buy(120, 2) == 20
    assert (lots.net_lots, lots.cost_tick_lots) == (0, 0)


def test_lots_do_what_a_queue_of_single_lots_does(seed: int) -> None:
    draw = Random(seed)
    for _ in range(50):
        lots, queue = Lots(), deque[tuple[int, int]]()
        for _ in range(60):
            price, count, sign = draw.randint(1, 9), draw.randint(1, 7), draw.choice((1, -1))
            made = 0
            for _ in range(count):
                if queue and queue[0][1] == -sign:
                    made += (price - queue.popleft()[0]) * -sign
                else:
                    queue.append((price, sign))
            take = lots.buy if sign > 0 else lots.sell
            assert take(price, count) == made
            assert lots.net_lots == sum(sign for _, sign in queue)
            assert lots.cost_tick_lots == sum(price * sign for price, sign in queue)
