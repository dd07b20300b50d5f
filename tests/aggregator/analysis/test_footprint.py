"""Footprints, by hand, and that every column adds up."""

from fractions import Fraction

import pytest

from aggregator.analysis import footprint
from aggregator.analysis.footprint import Footprint, row_height
from aggregator.analysis.values import Value
from aggregator.protocol import to_text, to_units
from shared.messages import Side
from tests.aggregator.analysis.trades import at, random_trades, trade


def columns(analysis: Footprint, seconds: float) -> list[Value]:
    value = analysis.value(at(seconds))
    assert value is not None
    found = value["columns"]
    assert isinstance(found, list)
    return found


def test_trades_stand_in_their_minute_and_row() -> None:
    analysis = Footprint()
    assert analysis.value(at(0)) is None
    for seconds, side, price, quantity in (
        (1, "buy", "63000.1", "1"),
        (2, "sell", "63004.9", "2"),
        (3, "buy", "63005", "4"),
        (59, "sell", "62999.9", "8"),
        (60, "buy", "63000", "16"),
    ):
        analysis.add_trade(trade(side, price, quantity, seconds))
    first, second = columns(analysis, 60)
    assert (first["bought"], first["sold"], first["delta"]) == ("5", "10", "-5")
    assert first["rows"] == [("63005", "4", "0"), ("63000", "1", "2"), ("62995", "0", "8")]
    assert second["rows"] == [("63000", "16", "0")]
    assert second["at_s"] == at(60) // 10**9
    # Five minutes are kept, this one included.
    assert columns(analysis, 299) == [first, second]
    assert columns(analysis, 300) == [second]
    assert columns(analysis, 360) == []


@pytest.mark.parametrize(
    ("price", "height"),
    [
        ("63000", "5"),
        ("100", "0.01"),
        ("99.99", "0.005"),
        ("0.00001", "0.000000001"),
        ("2", "0.0002"),
    ],
)
def test_a_row_is_about_a_basis_point_high(price: str, height: str) -> None:
    assert to_text(row_height(to_units(price))) == height


def test_the_smallest_price_has_rows_too() -> None:
    assert row_height(1) == 1


def test_what_has_no_row_is_in_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "ROWS_MAX", 3)
    monkeypatch.setattr(footprint, "ROWS_SHOWN_MAX", 2)
    analysis = Footprint()
    for price in ("100", "200", "300", "400"):
        analysis.add_trade(trade("buy", price, price))
    (column,) = columns(analysis, 1)
    assert column["rows"] == [("300", "300", "0"), ("200", "200", "0")]
    assert column["bought"] == "1000"


@pytest.mark.parametrize("seed", range(3))
def test_columns_add_up_to_what_was_traded(seed: int) -> None:
    analysis, trades = Footprint(), random_trades(seed, 500)
    for one in trades:
        analysis.add_trade(one)
    now_ns = trades[-1].received_at_ns
    for column in columns(analysis, (now_ns - at(0)) / 10**9):
        at_s = column["at_s"]
        inside = [one for one in trades if one.received_at_ns // (60 * 10**9) * 60 == at_s]
        bought = sum(one.quantity for one in inside if one.taker_side is Side.BUY)
        assert column["bought"] == to_text(bought), f"seed {seed}"
        rows = column["rows"]
        assert isinstance(rows, list)
        in_rows = sum(Fraction(row[1]) + Fraction(row[2]) for row in rows)
        total = Fraction(str(column["bought"])) + Fraction(str(column["sold"]))
        assert in_rows == total or len(rows) == footprint.ROWS_SHOWN_MAX
