"""A ladder by itself: the best price, the queues, what it fills, and what it says has changed."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.book import GHOSTS_SPARE, NOBODY, SHORT_QUEUE_MAX, Ladder
from engine.core.sorted_keys import BLOCK_KEYS_MAX
from shared.messages import Side

FEW = 3  # Accounts, prices, special orders one in so many: enough for orders to meet.


@dataclass(eq=False)
class Plain:
    """The least that can rest."""

    order_id: int
    price_ticks: int = 100
    open_lots: int = 1
    account_id: int = 1
    terms: object | None = None


def ladder_of(*orders: Plain, side: Side = Side.BUY) -> Ladder[Plain]:
    ladder: Ladder[Plain] = Ladder(side)
    for order in orders:
        ladder.add(order)
    return ladder


def ids(ladder: Ladder[Plain]) -> list[int]:
    return [order.order_id for level in ladder.best_first() for order in level.orders()]


def queue_lengths(ladder: Ladder[Plain]) -> list[int]:
    """Return how many entries each level keeps, dead or alive."""
    return [1 + len(level.behind or ()) for level in ladder.best_first()]


@pytest.mark.parametrize(("side", "best_first"), [(Side.BUY, [7, 6, 5]), (Side.SELL, [5, 6, 7])])
def test_the_best_bid_is_the_highest_and_the_best_ask_the_lowest(
    side: Side, best_first: list[int]
) -> None:
    ladder = ladder_of(Plain(1, 6), Plain(2, 5), Plain(3, 7), side=side)
    assert ladder.best_price() == best_first[0]
    assert ladder.depth(9) == [(price, 1) for price in best_first]
    assert ladder.depth(2) == [(price, 1) for price in best_first[:2]]
    assert ladder.take_changes() == tuple((price, 1) for price in best_first)


def test_an_empty_side_has_no_best_price_no_head_and_no_fills() -> None:
    ladder = ladder_of()
    assert ladder.best_price() is None
    assert ladder.head(ladder.worst_key(0)) is None
    assert ladder.sweep(ladder.worst_key(0), 5, NOBODY) == []
    assert ladder.depth(5) == []
    assert ladder.take_changes() == ()


def test_a_level_that_comes_and_goes_between_two_looks_is_no_change() -> None:
    stays, goes = Plain(1, 5, 3), Plain(2, 5, 4)
    ladder = ladder_of(stays)
    assert ladder.take_changes() == ((5, 3),)
    ladder.add(goes)
    ladder.remove(goes)
    alone = Plain(3, 6)
    ladder.add(alone)
    ladder.remove(alone)
    assert ladder.take_changes() == ()
    ladder.reduce(stays, 1)
    assert ladder.take_changes() == ((5, 2),)
    ladder.remove(stays)
    ladder.add(Plain(4, 5, 2))
    assert ladder.take_changes() == ()
    ladder.remove(next(ladder.levels[5].orders()))
    assert ladder.take_changes() == ((5, 0),)
    assert ladder.best_price() is None


@pytest.mark.parametrize("side", Side)
def test_far_prices_come_in_their_turn(side: Side) -> None:
    orders = [Plain(price, price) for price in range(1, 3 * BLOCK_KEYS_MAX)]
    Random(1).shuffle(orders)
    ladder = ladder_of(*orders, side=side)
    assert len(ladder.near) <= BLOCK_KEYS_MAX
    best_first = sorted((order.price_ticks for order in orders), reverse=side is Side.BUY)
    assert [price for price, _ in ladder.depth(len(orders))] == best_first
    by_price = {order.price_ticks: order for order in orders}
    for price in best_first:
        assert ladder.best_price() == price
        ladder.remove(by_price[price])
    assert ladder.best_price() is None


def test_a_removed_order_keeps_its_open_lots_and_a_reduced_one_its_place() -> None:
    first, second = Plain(1, open_lots=5), Plain(2, open_lots=5)
    ladder = ladder_of(first, second)
    ladder.reduce(first, 2)
    assert (first.open_lots, ids(ladder), ladder.depth(1)) == (3, [1, 2], [(100, 8)])
    ladder.remove(first)
    assert (first.open_lots, ids(ladder), ladder.depth(1)) == (3, [2], [(100, 5)])


def test_a_sweep_takes_the_best_first_and_the_oldest_of_a_price_first() -> None:
    dear, old, young, far = Plain(1, 12, 9), Plain(2, 10, 4), Plain(3, 10, 4), Plain(4, 13, 9)
    ladder = ladder_of(dear, old, young, far, side=Side.SELL)
    worst_key = ladder.worst_key(12)
    assert ladder.sweep(worst_key, 6, NOBODY) == [(old, 4), (young, 2)]
    assert (old.open_lots, young.open_lots, ladder.best_price()) == (0, 2, 10)
    assert ladder.sweep(worst_key, 99, NOBODY) == [(young, 2), (dear, 9)]
    assert ladder.head(worst_key) is None
    assert ladder.head(ladder.worst_key(0)) is far
    assert ladder.depth(9) == [(13, 9)]


def test_a_sweep_stops_before_an_order_that_needs_a_decision() -> None:
    plain, own, special = Plain(1), Plain(2, account_id=7), Plain(3, open_lots=5, terms=object())
    ladder = ladder_of(plain, own, special, Plain(4))
    assert ladder.sweep(100, 9, 7) == [(plain, 1)]
    assert ladder.sweep(100, 9, 7) == []
    assert ladder.head(100) is own
    ladder.remove(own)
    assert ladder.sweep(100, 9, 7) == []
    assert ladder.head(100) is special
    ladder.fill_head(special, 5)
    special.open_lots = 2  # What it shows next, behind the others.
    ladder.add(special)
    assert ids(ladder) == [4, 3]
    assert ladder.depth(1) == [(100, 3)]


def test_an_order_that_left_may_come_back_at_the_end() -> None:
    orders = [Plain(order_id) for order_id in range(4)]
    ladder = ladder_of(*orders)
    for _ in range(3):
        ladder.remove(orders[1])
        ladder.add(orders[1])
    assert ids(ladder) == [0, 2, 3, 1]
    ladder.remove(orders[1])
    ladder.add(Plain(1, open_lots=6))  # Another order with the same id.
    assert ids(ladder) == [0, 2, 3, 1]
    assert [(maker.order_id, lots) for maker, lots in ladder.sweep(0, 99, NOBODY)] == [
        (0, 1),
        (2, 1),
        (3, 1),
        (1, 6),
    ]
    assert ladder.best_price() is None


def queue_type(ladder: Ladder[Plain]) -> type:
    return type(ladder.levels[100].behind)


def room_is_in_proportion(ladder: Ladder[Plain], living: int) -> bool:
    return sum(queue_lengths(ladder)) <= 2 * (living + GHOSTS_SPARE)


def test_ghosts_of_one_order_take_no_more_room_than_the_living() -> None:
    coming_and_going = Plain(1)
    ladder = ladder_of(Plain(0), coming_and_going)
    for _ in range(20 * GHOSTS_SPARE):
        ladder.remove(coming_and_going)
        ladder.add(coming_and_going)
        assert room_is_in_proportion(ladder, 2)
    assert ids(ladder) == [0, 1]


def test_ghosts_take_no_more_room_than_the_living_whoever_leaves_next() -> None:
    orders = [Plain(order_id) for order_id in range(20 * GHOSTS_SPARE)]
    ladder = ladder_of(*orders)
    while len(orders) > 11 * GHOSTS_SPARE:
        ladder.remove(orders.pop())
        assert room_is_in_proportion(ladder, len(orders))
    while len(orders) > 1:
        ladder.remove(orders.pop(0))
        assert room_is_in_proportion(ladder, len(orders))
    assert ids(ladder) == [orders[0].order_id]


def test_a_long_queue_loses_its_first_orders_without_moving_the_others() -> None:
    orders = [Plain(order_id) for order_id in range(SHORT_QUEUE_MAX + 2)]
    ladder = ladder_of(*orders)
    assert queue_type(ladder) is list
    ladder.remove(orders[0])
    assert queue_type(ladder) is deque
    assert ids(ladder) == list(range(1, SHORT_QUEUE_MAX + 2))


@pytest.mark.parametrize(
    "broken",
    [
        lambda ladder, order: ladder.add(Plain(9, open_lots=0)),
        lambda ladder, order: ladder.reduce(order, order.open_lots),
        lambda ladder, order: ladder.reduce(order, 0),
        lambda ladder, order: ladder.fill_head(order, order.open_lots + 1),
        lambda ladder, order: ladder.fill_head(Plain(9), 1),
        lambda ladder, order: ladder.remove(Plain(9, open_lots=order.open_lots + 1)),
    ],
)
def test_what_cannot_be_stops_the_ladder(
    broken: Callable[[Ladder[Plain], Plain], object],
) -> None:
    order = Plain(1, open_lots=3)
    with pytest.raises(AssertionError):
        broken(ladder_of(order), order)


class Naive:
    """The same ladder as one plain list, searched from its beginning for everything."""

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side is Side.BUY else -1
        self.resting: list[list[int]] = []  # id, account, price, lots, special; oldest first.
        self.told: dict[int, int] = {}

    def best_first(self) -> list[list[int]]:
        return sorted(self.resting, key=lambda row: -row[2] * self.sign)

    def depth(self) -> dict[int, int]:
        depth: dict[int, int] = {}
        for _, _, price, lots, _ in self.best_first():
            depth[price] = depth.get(price, 0) + lots
        return depth

    def take(self, order_id: int, lots: int) -> None:
        row = next(row for row in self.resting if row[0] == order_id)
        row[3] -= lots
        if not row[3]:
            self.resting.remove(row)

    def sweep(self, limit_ticks: int, lots: int, account_id: int) -> list[tuple[int, int]]:
        fills = []
        for order_id, account, price, open_lots, special in self.best_first():
            if not lots or (limit_ticks and (price - limit_ticks) * self.sign < 0):
                break
            if account == account_id or special:
                break
            taken = min(lots, open_lots)
            fills.append((order_id, taken))
            self.take(order_id, taken)
            lots -= taken
        return fills

    def take_changes(self) -> tuple[tuple[int, int], ...]:
        now, before = self.depth(), self.told
        self.told = now
        prices = sorted(now.keys() | before.keys(), key=lambda price: -price * self.sign)
        return tuple(
            (price, now.get(price, 0))
            for price in prices
            if now.get(price, 0) != before.get(price, 0)
        )


class Both:
    """A ladder and the naive one, led through the same steps and compared after each."""

    def __init__(self, side: Side, draw: Random, ids_max: int) -> None:
        self.draw, self.ids_max = draw, ids_max
        self.ladder: Ladder[Plain] = Ladder(side)
        self.naive = Naive(side)
        self.living: dict[int, Plain] = {}
        self.dead: dict[int, Plain] = {}

    def step(self, word: str) -> None:
        getattr(self, word)()
        assert self.ladder.take_changes() == self.naive.take_changes()
        assert self.ladder.depth(99) == list(self.naive.depth().items())
        assert ids(self.ladder) == [row[0] for row in self.naive.best_first()]
        assert self.ladder.keys == sorted(self.ladder.levels)
        for level in self.ladder.best_first():
            assert level.ghost_count == sum((level.ghosts or {}).values())
            assert level.ghost_count <= max(GHOSTS_SPARE, len(level.behind or ()) // 2)

    def add(self) -> None:
        draw, order_id = self.draw, self.draw.randrange(self.ids_max)
        if order_id in self.living:
            return
        price, lots, account = draw.randint(1, FEW), draw.randint(1, 9), draw.randint(1, FEW)
        terms = object() if draw.randrange(FEW) == 0 else None
        order = self.dead.pop(order_id, None)
        if order is None or draw.random() < 0.5:
            order = Plain(order_id)
        order.price_ticks, order.open_lots, order.account_id = price, lots, account
        order.terms = terms
        self.living[order_id] = order
        self.ladder.add(order)
        self.naive.resting.append([order_id, account, price, lots, terms is not None])

    def remove(self) -> None:
        if self.living:
            order = self.living.pop(self.draw.choice(sorted(self.living)))
            self.dead[order.order_id] = order
            self.ladder.remove(order)
            self.naive.take(order.order_id, order.open_lots)

    def reduce(self) -> None:
        order = self.living[self.draw.choice(sorted(self.living))] if self.living else Plain(0)
        if order.open_lots > 1:
            lots = self.draw.randrange(1, order.open_lots)
            self.ladder.reduce(order, lots)
            self.naive.take(order.order_id, lots)

    def sweep(self) -> None:
        limit, lots = self.draw.randint(0, FEW), self.draw.randint(1, 20)
        account = self.draw.choice((NOBODY, 1))
        fills = self.ladder.sweep(self.ladder.worst_key(limit), lots, account)
        expected = self.naive.sweep(limit, lots, account)
        assert [(maker.order_id, taken) for maker, taken in fills] == expected
        for maker, _ in fills:
            self.bury(maker)

    def fill_head(self) -> None:
        limit = self.draw.randint(0, FEW)
        order = self.ladder.head(self.ladder.worst_key(limit))
        rows = self.naive.best_first()
        reached = rows and (not limit or (rows[0][2] - limit) * self.naive.sign >= 0)
        assert (order.order_id if order else None) == (rows[0][0] if reached else None)
        if order:
            lots = self.draw.randint(1, order.open_lots)
            self.ladder.fill_head(order, lots)
            self.naive.take(order.order_id, lots)
            self.bury(order)

    def bury(self, order: Plain) -> None:
        if not order.open_lots:
            del self.living[order.order_id]
            self.dead[order.order_id] = order


STEPS = ("add", "remove", "reduce", "sweep", "fill_head")


@given(st.sampled_from(Side), st.randoms(), st.lists(st.sampled_from(STEPS), max_size=60))
def test_it_does_what_a_plain_list_does(side: Side, draw: Random, words: list[str]) -> None:
    both = Both(side, draw, ids_max=8)
    for word in words:
        both.step(word)


@pytest.mark.parametrize("seed", range(6))
def test_long_queues_with_many_ghosts_do_what_a_plain_list_does(seed: int) -> None:
    both = Both(list(Side)[seed % 2], Random(seed), ids_max=1_000)
    longest = ghosts = 0
    for _ in range(3):
        # It fills up, empties slowly from inside, and comes near the end by the head.
        for weights, steps in (
            ((8, 1, 1, 0, 0), 400),
            ((6, 9, 1, 0, 1), 300),
            ((1, 2, 1, 1, 9), 150),
        ):
            for word in both.draw.choices(STEPS, weights, k=steps):
                both.step(word)
                longest = max(longest, *queue_lengths(both.ladder), 0)
                ghosts = max([ghosts, *(level.ghost_count for level in both.ladder.best_first())])
    assert longest > SHORT_QUEUE_MAX
    assert ghosts > GHOSTS_SPARE
