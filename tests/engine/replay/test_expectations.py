"""Expectation files are read row by row, in the units of the day."""

from pathlib import Path

import pytest

from engine.replay.day import read_day
from engine.replay.errors import ReplayError
from engine.replay.expectations import expectation_file, read_touches, read_trades
from engine.replay.reference import play
from tests.support.tiny_day import EXPECTED_BBO, write_day, write_expectations


def test_the_files_of_the_tiny_day_say_what_the_simple_exchange_says(tmp_path: Path) -> None:
    day = read_day(write_day(tmp_path))
    write_expectations(tmp_path)
    found = play(day.rows)
    assert read_trades(tmp_path / "expected_trades.csv", day) == found.trades
    assert read_touches(tmp_path / "expected_bbo.csv", day) == found.touches


def test_a_row_beyond_the_day_makes_the_touches_longer(tmp_path: Path) -> None:
    day = read_day(write_day(tmp_path))
    write_expectations(tmp_path, bbo=EXPECTED_BBO + "9,1,2\n")
    assert len(read_touches(tmp_path / "expected_bbo.csv", day)) == 10


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    day = read_day(write_day(tmp_path))
    write_expectations(tmp_path, bbo=EXPECTED_BBO + "3,1,2\n")
    with pytest.raises(ReplayError, match="line 8 cannot be understood: the rows are not in order"):
        read_touches(tmp_path / "expected_bbo.csv", day)


def test_a_named_file_wins_over_the_one_beside_the_orders(tmp_path: Path) -> None:
    orders, other = write_day(tmp_path), tmp_path / "other.csv"
    assert expectation_file(None, orders, "expected_bbo.csv") is None
    write_expectations(tmp_path)
    assert expectation_file(None, orders, "expected_bbo.csv") == tmp_path / "expected_bbo.csv"
    assert expectation_file(other, orders, "expected_bbo.csv") == other
    with pytest.raises(ReplayError, match=r"other\.csv cannot be read"):
        read_trades(other, read_day(orders))
