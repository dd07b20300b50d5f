"""Stops by themselves: who is met by a price, in which order, and how the trailing ones move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.triggers import TriggerBook, is_met, start_trailing, trailing_stop_price
from shared.messages import Order, OrderStatus, OrderTerms, OrderType, Side, TimeInForce
from shared.money import PPM

BUY, SELL = Side.BUY, Side.SELL


def stop(order_id: int, side: Side, stop_price_ticks: int, rank: int | None = None) -> Order:
    terms = OrderTerms(stop_price_ticks=stop_price_ticks)
    return _order(order_id, side, OrderType.STOP, terms, rank)


def trailing(
    order_id: int, side: Side, anchor_ticks: int, *, ticks: int = 0, ppm: int = 0
) -> Order:
    terms = OrderTerms(trail_ticks=ticks, trail_ppm=ppm)
    start_trailing(terms, side, anchor_ticks)
    return _order(order_id, side, OrderType.TRAILING_STOP, terms, None)


def _order(
    order_id: int, side: Side, order_type: OrderType, terms: OrderTerms, rank: int | None
) -> Order:
    return Order(
        order_id,
        1,
        "",
        "BTC_USD",
        side,
        order_type,
        TimeInForce.GTC,
        price_ticks=0,
        quantity_lots=1,
        budget_atoms=0,
        filled_lots=0,
        filled_quote_atoms=0,
        fee_atoms=0,
        held_atoms=1,
        status=OrderStatus.PENDING,
        rank=order_id if rank is None else rank,
        placed_at_ns=0,
        updated_at_ns=0,
        terms=terms,
    )


def book_of(*orders: Order) -> TriggerBook:
    book = TriggerBook()
    for order in orders:
        book.add(order)
    return book


def ids_met(book: TriggerBook, price_ticks: int) -> list[int]:
    return [order.order_id for order in book.on_price(price_ticks, lambda order: None)]


@pytest.mark.parametrize(
    ("side", "stop_price_ticks", "price_ticks", "met"),
    [
        (BUY, 10, 9, False),
        (BUY, 10, 10, True),
        (BUY, 10, 11, True),
        (SELL, 10, 11, False),
        (SELL, 10, 10, True),
        (SELL, 10, 9, True),
        (BUY, 10, 0, False),
        (SELL, 10, 0, False),
        (SELL, 0, 1, False),
        (BUY, 0, 1, False),
    ],
)
def test_a_stop_is_met_at_its_price_or_beyond_and_never_without_one(
    side: Side, stop_price_ticks: int, price_ticks: int, met: bool
) -> None:
    assert is_met(side, stop_price_ticks, price_ticks) is met


def test_the_nearest_buys_come_first_then_the_nearest_sells_and_equals_by_rank() -> None:
    book = book_of(
        stop(1, SELL, 20),
        stop(2, SELL, 30),
        stop(3, BUY, 9),
        stop(4, BUY, 8, rank=40),
        stop(5, BUY, 8, rank=30),
        stop(6, SELL, 30),
        stop(7, BUY, 11),
        stop(8, SELL, 9),
    )
    assert ids_met(book, 10) == [5, 4, 3, 2, 6, 1]
    assert [order.order_id for order in book.orders()] == [7, 8]
    assert len(book) == 2
    assert ids_met(book, 10) == []


def test_a_stop_that_was_taken_out_is_not_met() -> None:
    near, far = stop(1, BUY, 10), stop(2, BUY, 10)
    book = book_of(near, far)
    book.remove(near)
    assert ids_met(book, 10) == [2]
    book.add(near)
    assert ids_met(book, 10) == [1]


@pytest.mark.parametrize(
    ("side", "watermark", "ticks", "ppm", "stop_price_ticks"),
    [
        (SELL, 100, 10, 0, 90),
        (BUY, 100, 10, 0, 110),
        (SELL, 100, 100, 0, 0),
        (SELL, 100, 101, 0, 0),
        (SELL, 100, 0, 1, 99),
        (BUY, 100, 0, 1, 101),
        (SELL, 100, 0, 50_000, 95),
        (SELL, 101, 0, 50_000, 95),
        (BUY, 101, 0, 50_000, 107),
        (SELL, 100, 0, PPM, 0),
        (BUY, 100, 0, PPM, 200),
    ],
)
def test_the_distance_is_in_ticks_or_a_part_of_the_watermark_rounded_up(
    side: Side, watermark: int, ticks: int, ppm: int, stop_price_ticks: int
) -> None:
    assert trailing_stop_price(side, watermark, ticks, ppm) == stop_price_ticks


def test_a_trailing_sell_follows_the_price_up_and_is_met_on_the_way_down() -> None:
    order = trailing(1, SELL, 100, ticks=10)
    book = book_of(order)
    seen: list[tuple[int, int]] = []

    def note(moved: Order) -> None:
        assert moved.terms is not None
        seen.append((moved.terms.watermark_ticks, moved.terms.stop_price_ticks))

    for price_ticks in (99, 100, 120, 115, 111):
        assert book.on_price(price_ticks, note) == []
    assert seen == [(100, 90)], "It is told of before each move, and of moves only."
    assert order.terms == OrderTerms(stop_price_ticks=110, trail_ticks=10, watermark_ticks=120)
    assert book.on_price(110, note) == [order]
    assert len(book) == 0


def test_a_trailing_buy_follows_the_price_down_and_is_met_on_the_way_up() -> None:
    order = trailing(1, BUY, 100, ppm=100_000)
    book = book_of(order)
    assert ids_met(book, 109) == []
    assert ids_met(book, 55) == []
    assert order.terms == OrderTerms(stop_price_ticks=61, trail_ppm=100_000, watermark_ticks=55)
    assert ids_met(book, 60) == []
    assert ids_met(book, 61) == [1]


def test_a_trailing_sell_that_would_stand_below_zero_waits_until_it_has_risen() -> None:
    book = book_of(trailing(1, SELL, 5, ticks=10))
    assert ids_met(book, 1) == []
    assert ids_met(book, 12) == []
    assert ids_met(book, 2) == [1]


def test_a_trailing_stop_that_was_taken_out_moves_no_more() -> None:
    order = trailing(1, SELL, 100, ticks=10)
    book = book_of(order)
    book.remove(order)
    assert ids_met(book, 200) == []
    assert order.terms is not None
    assert order.terms.watermark_ticks == 100


PRICES = st.integers(1, 12)
STOPS = st.tuples(st.sampled_from([BUY, SELL]), PRICES, st.integers(0, 3), st.integers(1, 5))
STEPS = st.lists(st.one_of(STOPS, PRICES, st.tuples(st.just("remove"), st.integers(0, 99))))


class NaiveBook:
    """All waiting orders in one list, each looked at for each price."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def on_price(self, price_ticks: int) -> list[int]:
        for order in self.orders:
            _follow(order, price_ticks)
        met = [order for order in self.orders if _reached(order, price_ticks)]
        self.orders = [order for order in self.orders if order not in met]
        return [order.order_id for order in sorted(met, key=_nearness)]


def _follow(order: Order, price_ticks: int) -> None:
    terms = order.terms
    assert terms is not None
    if order.type is not OrderType.TRAILING_STOP:
        return
    if order.side is SELL and price_ticks > terms.watermark_ticks:
        terms.watermark_ticks = price_ticks
        terms.stop_price_ticks = max(0, price_ticks - terms.trail_ticks)
    if order.side is BUY and price_ticks < terms.watermark_ticks:
        terms.watermark_ticks = price_ticks
        terms.stop_price_ticks = price_ticks + terms.trail_ticks


def _reached(order: Order, price_ticks: int) -> bool:
    assert order.terms is not None
    return is_met(order.side, order.terms.stop_price_ticks, price_ticks)


def _nearness(order: Order) -> tuple[bool, int, int]:
    assert order.terms is not None
    stop_price_ticks = order.terms.stop_price_ticks
    if order.side is BUY:
        return False, stop_price_ticks, order.rank
    return True, -stop_price_ticks, order.rank


@given(STEPS)
def test_it_answers_as_a_list_that_is_searched_whole(
    steps: list[tuple[Side, int, int, int] | int | tuple[str, int]],
) -> None:
    book, naive = TriggerBook(), NaiveBook()
    copies: dict[int, Order] = {}
    for number, step in enumerate(steps, 1):
        if isinstance(step, int):
            assert ids_met(book, step) == naive.on_price(step)
        elif len(step) == 2:
            if naive.orders:
                gone = naive.orders.pop(step[1] % len(naive.orders))
                book.remove(copies.pop(gone.order_id))
        else:
            side, price_ticks, rank, ticks = step
            order = stop(number, side, price_ticks, rank=rank * 1_000 - number)
            if ticks < 4:
                order = trailing(number, side, price_ticks, ticks=ticks)
            assert order.terms is not None
            naive.orders.append(replace(order, terms=replace(order.terms)))
            copies[number] = order
            book.add(order)
        waiting = {order.order_id: order.terms for order in book.orders()}
        assert waiting == {order.order_id: order.terms for order in naive.orders}
        assert len(book) == len(naive.orders)
