"""Amounts: text and integers are two faces of one number, and every rounding goes one way."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.money import (
    AMOUNT_LIMIT,
    PPM,
    SCALE_MAX,
    TEXT_LENGTH_MAX,
    AmountError,
    fee_atoms,
    format_decimal,
    parse_decimal,
)

SCALES = st.integers(0, SCALE_MAX)
AMOUNTS = st.integers(0, AMOUNT_LIMIT - 1)

NOT_DECIMALS = [
    "", " ", ".", "1.", ".5", "+1", "-1", "-0", "1e5", "1E5", "1e-5", "NaN", "nan", "inf",
    "Infinity", "-inf", "0x10", "0b1", "1_000", "1,000", "1 000", " 1", "1 ", "1\n", "\t1", "1.2.3",
    "00", "01", "00.1", "--1", "1..2", "1/2", "½", "²", "1\x00", "\x001", "\uff11\uff12", "٣",
    "1.٣", "१२", "1" * 30, "0." + "0" * 30, "1." + "0" * 9, "0.123456789", "1" * 20, "9" * 100_000,
    "\ud800", "1\u200b", "\ufeff1", "\u22121", "1\u0660",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DECIMALS, ids=lambda text: ascii(text)[:30])
def test_a_text_that_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_decimal(text, SCALE_MAX)
    assert caught.value.code == "INVALID_DECIMAL"
    assert len(str(caught.value)) < 200, "the refused text is not repeated"


@pytest.mark.parametrize(
    ("text", "scale", "units"),
    [
        ("0", 0, 0), ("0", 8, 0), ("0.0", 0, 0), ("0.00000000", 8, 0), ("7", 0, 7), ("7", 2, 700),
        ("12.5", 2, 1250), ("12.50", 1, 125), ("12.50000000", 1, 125), ("0.05", 2, 5),
        ("0.00000001", 8, 1), ("92233720368.54775807", 8, AMOUNT_LIMIT - 1),
        ("9223372036854775807", 0, AMOUNT_LIMIT - 1), ("9223372036854775807.00", 0, 2**63 - 1),
    ],
)  # fmt: skip
def test_a_plain_decimal_is_counted_in_units_of_its_scale(
    text: str, scale: int, units: int
) -> None:
    assert parse_decimal(text, scale) == units


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("9223372036854775808", 0), ("9999999999999999999", 0), ("92233720368.54775808", 8),
        ("9223372036854775807", 1), ("9223372036854775807", 8), ("92233720368547758.08", 2),
    ],
)  # fmt: skip
def test_an_amount_of_two_to_the_63_or_more_is_refused(text: str, scale: int) -> None:
    with pytest.raises(AmountError) as caught:
        parse_decimal(text, scale)
    assert caught.value.code == "AMOUNT_LIMIT"


@pytest.mark.parametrize(
    ("text", "scale"), [("0.5", 0), ("1.001", 2), ("1.00000001", 7), ("0.10", 0)]
)
def test_a_decimal_finer_than_the_scale_is_refused_and_never_rounded(text: str, scale: int) -> None:
    with pytest.raises(AmountError) as caught:
        parse_decimal(text, scale)
    assert caught.value.code == "TOO_MANY_DECIMALS"


@given(AMOUNTS, SCALES)
@example(AMOUNT_LIMIT - 1, 0)
@example(AMOUNT_LIMIT - 1, SCALE_MAX)
def test_every_amount_survives_being_written_and_read(units: int, scale: int) -> None:
    text = format_decimal(units, scale)
    assert parse_decimal(text, scale) == units
    assert len(text) <= TEXT_LENGTH_MAX
    assert Fraction(text) == Fraction(units, 10**scale)
    assert "." not in text or not text.endswith(("0", ".")), "it is the shortest text"


@given(st.integers(-AMOUNT_LIMIT + 1, AMOUNT_LIMIT - 1), SCALES)
def test_a_change_may_be_negative_and_is_written_exactly(units: int, scale: int) -> None:
    text = format_decimal(units, scale)
    assert Fraction(text) == Fraction(units, 10**scale)
    assert text != "-0"


@given(st.from_regex(r"(0|[1-9][0-9]{0,18})(\.[0-9]{1,8})?", fullmatch=True), SCALES)
def test_reading_is_exact_or_refused(text: str, scale: int) -> None:
    exact = Fraction(text) * 10**scale
    if exact.denominator == 1 and exact < AMOUNT_LIMIT:
        assert parse_decimal(text, scale) == exact
    else:
        with pytest.raises(AmountError):
            parse_decimal(text, scale)


@given(st.text(max_size=40), SCALES)
def test_any_text_is_an_amount_below_the_limit_or_an_amount_error(text: str, scale: int) -> None:
    try:
        units = parse_decimal(text, scale)
    except AmountError:
        return
    assert 0 <= units < AMOUNT_LIMIT
    assert text.isascii()


@given(AMOUNTS, st.integers(-PPM, PPM))
def test_a_fee_is_rounded_up_against_the_payer(amount: int, fee_ppm: int) -> None:
    exact = Fraction(amount * fee_ppm, PPM)
    assert exact <= fee_atoms(amount, fee_ppm) < exact + 1


@pytest.mark.parametrize(
    ("amount", "fee_ppm", "fee"),
    [
        (1_000_000, 1_000, 1_000), (1, 1, 1), (0, 1_000, 0), (999_999, 1, 1), (1_000_001, 1, 2),
        (1, -1, 0), (999_999, -1, 0), (1_000_000, -1, -1), (1_000_001, -1, -1), (1, PPM, 1),
        (2**63 - 1, PPM, 2**63 - 1), (2**63 - 1, 1, 9_223_372_036_855),
    ],
)  # fmt: skip
def test_a_fee_rounds_up_and_a_rebate_rounds_down(amount: int, fee_ppm: int, fee: int) -> None:
    assert fee_atoms(amount, fee_ppm) == fee


@given(AMOUNTS, st.integers(0, PPM), st.integers(0, PPM))
def test_a_rebate_never_exceeds_the_fee_that_pays_for_it(
    amount: int, taker_ppm: int, rebate_ppm: int
) -> None:
    rebate_ppm = min(rebate_ppm, taker_ppm)
    assert fee_atoms(amount, taker_ppm) + fee_atoms(amount, -rebate_ppm) >= 0
