"""Prices and quantities: on the grid of the market exactly, or refused by the name of the rule."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.markets import format_price, format_quantity, parse_price, parse_quantity
from shared.messages import FeeAsset, Market
from shared.money import SCALE_MAX, AmountError

BASE_SCALE = 3
MARKET = Market(
    market="TATA_INR",
    base="TATA",
    quote="INR",
    price_scale=2,
    price_tick=5,
    lot_atoms=250,
    atoms_per_tick_lot=1,
    fee_asset=FeeAsset.RECEIVED,
)


@pytest.mark.parametrize(("text", "ticks"), [("0.05", 1), ("10", 200), ("10.00", 200), ("0.1", 2)])
def test_a_price_is_counted_in_ticks(text: str, ticks: int) -> None:
    assert parse_price(MARKET, text) == ticks


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "INVALID_PRICE"), ("0.00", "INVALID_PRICE"), ("0.01", "INVALID_TICK"),
        ("10.04", "INVALID_TICK"), ("10.005", "TOO_MANY_DECIMALS"), ("-1", "INVALID_DECIMAL"),
        ("", "INVALID_DECIMAL"), ("92233720368547758.10", "AMOUNT_LIMIT"),
    ],
)  # fmt: skip
def test_a_price_off_the_grid_is_refused_by_its_rule(text: str, code: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_price(MARKET, text)
    assert caught.value.code == code


def test_a_refused_price_is_told_the_tick() -> None:
    with pytest.raises(AmountError, match=r"multiple of 0\.05\."):
        parse_price(MARKET, "0.01")


@pytest.mark.parametrize(("text", "lots"), [("0.25", 1), ("1", 4), ("0.500", 2)])
def test_a_quantity_is_counted_in_lots(text: str, lots: int) -> None:
    assert parse_quantity(MARKET, BASE_SCALE, text) == lots


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "INVALID_QUANTITY"), ("0.1", "INVALID_LOT"), ("0.251", "INVALID_LOT"),
        ("0.0001", "TOO_MANY_DECIMALS"), ("1e3", "INVALID_DECIMAL"),
        ("9223372036854775.808", "AMOUNT_LIMIT"),
    ],
)  # fmt: skip
def test_a_quantity_off_the_grid_is_refused_by_its_rule(text: str, code: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_quantity(MARKET, BASE_SCALE, text)
    assert caught.value.code == code


def test_a_refused_quantity_is_told_the_lot() -> None:
    with pytest.raises(AmountError, match=r"multiple of 0\.25\."):
        parse_quantity(MARKET, BASE_SCALE, "0.1")


@given(
    scale=st.integers(0, SCALE_MAX),
    step=st.integers(1, 10**6),
    count=st.integers(1, 10**12),
)
def test_every_point_of_a_grid_survives_being_written_and_read(
    scale: int, step: int, count: int
) -> None:
    market = msgspec.structs.replace(MARKET, price_scale=scale, price_tick=step, lot_atoms=step)
    price, quantity = format_price(market, count), format_quantity(market, scale, count)
    assert Fraction(price) == Fraction(quantity) == Fraction(count * step, 10**scale)
    assert parse_price(market, price) == parse_quantity(market, scale, quantity) == count


@given(units=st.integers(1, 10**9), step=st.integers(1, 1_000))
def test_a_number_is_on_the_grid_exactly_when_the_step_divides_it(units: int, step: int) -> None:
    market = msgspec.structs.replace(MARKET, price_scale=0, price_tick=step)
    if units % step == 0:
        assert parse_price(market, str(units)) * step == units
    else:
        with pytest.raises(AmountError):
            parse_price(market, str(units))
