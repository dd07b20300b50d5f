"""Which side is heavier: by hand."""

import pytest

from aggregator.analysis.book_imbalance import BookImbalance
from tests.support.outside_books import TableBook


@pytest.mark.parametrize(
    ("bid", "ask", "percents", "pressure"),
    [
        ("1", "1", ("50.00", "50.00", "0.00"), "balanced"),
        ("55", "45", ("55.00", "45.00", "10.00"), "balanced"),  # Just on the mark: not beyond it.
        ("55.0001", "45", ("55.00", "45.00", "10.00"), "bid"),
        ("45", "55", ("45.00", "55.00", "-10.00"), "balanced"),
        ("44.9999", "55", ("45.00", "55.00", "-10.00"), "ask"),
        ("1", "3", ("25.00", "75.00", "-50.00"), "ask"),
        ("2", "1", ("66.67", "33.33", "33.34"), "bid"),
    ],
)
def test_shares_are_of_what_both_sides_have(
    bid: str, ask: str, percents: tuple[str, str, str], pressure: str
) -> None:
    value = BookImbalance().value(TableBook([("99", bid)], [("100", ask)]))
    assert value is not None
    assert (value["bid_percent"], value["ask_percent"], value["points"]) == percents
    assert value["pressure"] == pressure


def test_only_the_best_levels_count() -> None:
    book = TableBook(
        [("99", "1"), ("98", "1"), ("97", "100")], [("100", "1"), ("101", "5"), ("102", "100")]
    )
    value = BookImbalance(levels=2).value(book)
    assert value is not None
    assert (value["levels"], value["bid_percent"]) == (2, "25.00")


def test_a_book_with_one_side_has_no_balance() -> None:
    assert BookImbalance().value(TableBook([("99", "1")])) is None
    assert BookImbalance().value(TableBook([], [("99", "1")])) is None
