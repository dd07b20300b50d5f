"""The best way to fill an order over several books: by hand, and against every other way."""

import random
from fractions import Fraction
from itertools import product

import pytest

from aggregator.merge.execution import Ending, Execution, best_execution
from aggregator.protocol import UNIT, to_text, to_units
from shared.messages import Side
from tests.support.outside_books import TableBook

Books = dict[str, TableBook]
FEES = {"a": 1_000, "b": 0}


def execute(books: Books, side: Side, fees: dict[str, int], **wish: str) -> Execution:
    is_buy = side is Side.BUY
    return best_execution(
        {name: book.asks if is_buy else book.bids for name, book in books.items()},
        {
            name: book.trusted_ask_key if is_buy else book.trusted_bid_key
            for name, book in books.items()
        },
        side,
        fee_of=lambda book: fees.get(book, 0),
        **{name: to_units(text) for name, text in wish.items()},
    )


def fills(execution: Execution) -> list[tuple[str, str, str]]:
    return [(one.book, to_text(one.price), to_text(one.quantity)) for one in execution.fills]


def two_books() -> Books:
    return {
        "a": TableBook([("99", "1"), ("98", "4")], [("100", "1"), ("102", "4")]),
        "b": TableBook([("98.95", "2")], [("100.05", "2"), ("103", "9")]),
    }


def test_the_level_that_is_best_after_fees_comes_first() -> None:
    # 100 costs 100.1 at a, where 0.1 % is taken: b's 100.05 is better.
    execution = execute(two_books(), Side.BUY, FEES, quantity="4")
    assert fills(execution) == [("b", "100.05", "2"), ("a", "100", "1"), ("a", "102", "1")]
    assert execution.ending is Ending.DONE
    assert (execution.left, execution.quantity) == (0, 4 * UNIT)
    assert to_text(execution.total) == "402.1"
    assert to_text(execution.total_after_fees) == "402.302"
    assert to_text(execution.average_price) == "100.525"
    assert to_text(execution.average_price_after_fees) == "100.5755"
    assert to_text(execution.worst_price) == "102"


def test_a_seller_gets_what_is_left_after_fees() -> None:
    execution = execute(two_books(), Side.SELL, FEES, quantity="3.5")
    assert fills(execution) == [("b", "98.95", "2"), ("a", "99", "1"), ("a", "98", "0.5")]
    assert to_text(execution.total) == "345.9"
    assert to_text(execution.total_after_fees) == "345.752"


def test_what_cannot_be_split_is_rounded_against_the_taker() -> None:
    books = {"b": TableBook([("0.1", "1"), ("0.05", "2")], [("0.1", "1"), ("0.2", "2")])}
    bought = execute(books, Side.BUY, FEES, quantity="3")
    sold = execute(books, Side.SELL, FEES, quantity="3")
    assert to_text(bought.average_price) == "0.166666666666666667"
    assert to_text(sold.average_price) == "0.066666666666666666"


def test_books_that_end_leave_the_rest_unfilled() -> None:
    execution = execute(two_books(), Side.BUY, FEES, quantity="20")
    assert execution.ending is Ending.NO_DEPTH
    assert to_text(execution.quantity) == "16"
    assert to_text(execution.left) == "4"


@pytest.mark.parametrize(
    ("trusted_ask", "known"),
    [("99.96", "2"), ("99.94", "0"), ("100", "3"), ("101.9", "3"), ("102", "7"), ("103", "16")],
)
def test_beyond_what_is_known_of_every_book_the_answer_is_unknown(
    trusted_ask: str, known: str
) -> None:
    # Of a, nothing is known beyond that price, which costs 0.1 % more: 99.96 is 100.05996.
    books = two_books()
    books["a"].trusted_ask_key = -to_units(trusted_ask)
    execution = execute(books, Side.BUY, FEES, quantity="20")
    assert execution.ending is Ending.UNKNOWN
    assert to_text(execution.quantity) == known
    assert execution.left + execution.quantity == 20 * UNIT
    # What is within it is answered.
    if known != "0":
        assert execute(books, Side.BUY, FEES, quantity=known).ending is Ending.DONE


def test_the_shallowest_book_decides_how_far_anything_is_known() -> None:
    books = two_books()
    books["a"].trusted_ask_key = -to_units("103")
    books["b"].trusted_ask_key = -to_units("100.05")
    execution = execute(books, Side.BUY, FEES, quantity="20")
    assert (execution.ending, to_text(execution.quantity)) == (Ending.UNKNOWN, "2")


def test_without_any_live_book_everything_is_unknown() -> None:
    execution = execute({}, Side.SELL, FEES, quantity="1")
    assert execution.ending is Ending.UNKNOWN
    assert (execution.fills, execution.average_price, execution.left) == ((), 0, UNIT)


def test_a_budget_is_spent_and_never_more_than_it() -> None:
    execution = execute(two_books(), Side.BUY, FEES, budget="300")
    assert fills(execution)[:1] == [("b", "100.05", "2")]
    assert execution.ending is Ending.DONE
    assert execution.total_after_fees <= 300 * UNIT
    # One unit more would have been too much.
    assert (300 * UNIT - execution.total_after_fees) <= 101


def test_a_seller_receives_the_budget_and_hardly_more() -> None:
    execution = execute(two_books(), Side.SELL, FEES, budget="300")
    assert execution.ending is Ending.DONE
    assert 0 <= execution.total_after_fees - 300 * UNIT <= 100
    poor = execute(two_books(), Side.SELL, FEES, budget="3000")
    assert poor.ending is Ending.NO_DEPTH
    assert poor.left == 3000 * UNIT - poor.total_after_fees


@pytest.mark.parametrize("wish", [{}, {"quantity": "1", "budget": "1"}, {"quantity": "0"}])
def test_one_wish_is_asked_for(wish: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a quantity above 0, or for a budget"):
        execute(two_books(), Side.BUY, FEES, **wish)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", list(Side))
def test_no_other_way_is_cheaper(seed: int, side: Side) -> None:
    draw = random.Random(seed)
    for _ in range(12):
        fees = {name: draw.randrange(0, 20_000) for name in "ab"}
        levels = [
            (name, draw.randrange(95, 105), draw.randrange(1, 3)) for name in "ab" for _ in "123"
        ]
        levels = list({(name, price): (name, price, size) for name, price, size in levels}.values())
        books = {
            name: TableBook(rows, rows)
            for name in "ab"
            if (rows := [(str(price), str(size)) for at, price, size in levels if at == name])
        }
        wanted = draw.randrange(1, 1 + sum(size for *_, size in levels))
        execution = execute(books, side, fees, quantity=str(wanted))
        costs = [
            sum((taken * _after_fee(side, price, fees[at])
                 for taken, (at, price, _) in zip(way, levels, strict=True)), Fraction(0))
            for way in product(*(range(size + 1) for *_, size in levels))
            if sum(way) == wanted
        ]  # fmt: skip
        best = min(costs) if side is Side.BUY else max(costs)
        assert Fraction(execution.total_after_fees, UNIT) == best, f"seed {seed}: {levels}"


def _after_fee(side: Side, price: int, fee_ppm: int) -> Fraction:
    return price * (1 + (1 if side is Side.BUY else -1) * Fraction(fee_ppm, 1_000_000))
