"""What two books have for each other, by hand and by fractions."""

from fractions import Fraction

import pytest

from aggregator.merge.opportunities import OPPORTUNITIES_MAX, STEPS_MAX, find_opportunities
from shared.messages.outside import Opportunity
from tests.support.outside_books import Row, TableBook


def found(books: dict[str, TableBook], fees: dict[str, int]) -> tuple[Opportunity, ...]:
    return find_opportunities(
        {name: book.bids for name, book in books.items()},
        {name: book.asks for name, book in books.items()},
        lambda book: fees.get(book, 0),
    )


# Buy at A's asks (100 x 1, 101 x 2), sell at B's bids; what is left is what is not paid as fees.
BY_HAND: list[tuple[list[Row], int, int, tuple[str, str] | None]] = [
    # B's bids, fees of A and of B in parts per million, quantity and profit.
    ([("100", "5")], 0, 0, None),  # Locked: nothing is left.
    ([("100.5", "5")], 0, 0, ("1", "0.5")),  # Only the first ask.
    ([("101", "5")], 0, 0, ("1", "1")),  # At 101 nothing is left, so that is no part of it.
    ([("102", "1.5")], 0, 0, ("1.5", "2.5")),  # 1 x 2 + 0.5 x 1.
    ([("102", "5")], 0, 0, ("3", "4")),  # All that A has.
    ([("102", "0.5"), ("101.5", "9")], 0, 0, ("3", "2.75")),  # 0.5 x 2 + 0.5 x 1.5 + 2 x 0.5.
    ([("102", "5")], 10_000, 0, ("1", "1")),  # 101 costs 102.01 with 1 %: no more.
    ([("102", "5")], 0, 20_000, None),  # 102 brings 99.96 after 2 %.
    ([("102", "5")], 5_000, 5_000, ("1", "0.99")),  # 101.49 - 100.5, then 101.49 < 101.505.
    # 0.3 ppm of a coin and a price with many digits: exact, and then rounded down.
    ([("100.000000000000000007", "0.3")], 0, 0, ("0.3", "0.000000000000000002")),
    ([("100.000000000000000001", "0.3")], 0, 0, None),  # Less than one unit is nothing.
]


@pytest.mark.parametrize(("bids", "fee_a", "fee_b", "expected"), BY_HAND)
def test_both_books_are_walked_while_something_is_left(
    bids: list[Row], fee_a: int, fee_b: int, expected: tuple[str, str] | None
) -> None:
    books = {
        "a": TableBook([("99", "1")], [("100", "1"), ("101", "2")]),
        "b": TableBook(bids, [("110", "1")]),
    }
    opportunities = found(books, {"a": fee_a, "b": fee_b})
    assert [(one.quantity, one.profit) for one in opportunities] == ([expected] if expected else [])
    for one in opportunities:
        assert (one.buy_book, one.sell_book, one.ask, one.bid) == ("a", "b", "100", bids[0][0])


def test_the_largest_profit_comes_first_and_their_number_is_bounded() -> None:
    books = {f"cheap{n}": TableBook([], [(str(90 + n), "1")]) for n in range(6)}
    books |= {f"dear{n}": TableBook([(str(110 + n), "1")]) for n in range(6)}
    opportunities = found(books, {})
    assert len(opportunities) == OPPORTUNITIES_MAX
    assert (opportunities[0].buy_book, opportunities[0].sell_book) == ("cheap0", "dear5")
    profits = [Fraction(one.profit) for one in opportunities]
    assert profits == sorted(profits, reverse=True)


def test_what_goes_very_deep_is_told_as_far_as_it_was_followed() -> None:
    deep = [(str(price), "1") for price in range(100, 100 + 2 * STEPS_MAX)]
    books = {"a": TableBook([], deep), "b": TableBook([("1000", "1000")])}
    (opportunity,) = found(books, {})
    assert opportunity.quantity == str(STEPS_MAX)
    assert opportunity.profit == str(sum(1_000 - 100 - step for step in range(STEPS_MAX)))


def test_one_book_alone_is_no_opportunity() -> None:
    assert found({"a": TableBook([("101", "1")], [("100", "1")])}, {}) == ()
