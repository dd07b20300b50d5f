"""The benchmark of sizes builds the book that it names, in processes of their own."""

import pytest

from engine.bench.size import lines, measure, run

RESTING = 1_000


@pytest.mark.parametrize("at_one_price", [False, True])
def test_a_book_of_the_size_is_measured(at_one_price: bool) -> None:
    figures = measure(RESTING, at_one_price)
    assert (figures.resting, figures.at_one_price) == (RESTING, at_one_price)
    assert figures.place_us > 0
    assert figures.cancel_us > 0


def test_every_size_is_measured_spread_and_at_one_price() -> None:
    figures = run([RESTING])
    assert [row.at_one_price for row in figures] == [False, True]
    assert all(row.memory_mib > 0 for row in figures)
    assert len(list(lines(figures))) == 3
