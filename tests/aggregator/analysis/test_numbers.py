"""Fractions as texts."""

from fractions import Fraction

import pytest

from aggregator.analysis.numbers import bps_text, divided, price_return, ratio_text


@pytest.mark.parametrize(
    ("numerator", "denominator", "places", "text"),
    [
        (1, 3, 4, "0.3333"),
        (2, 3, 4, "0.6667"),
        (1, 2, 0, "1"),
        (-1, 2, 0, "-1"),
        (-1, 200, 2, "-0.01"),
        (-1, 201, 2, "0.00"),
        (5, 1, 2, "5.00"),
        (-12345, 100, 1, "-123.5"),
    ],
)
def test_a_ratio_is_rounded_to_the_nearest_and_halves_away_from_zero(
    numerator: int, denominator: int, places: int, text: str
) -> None:
    assert ratio_text(numerator, denominator, places) == text


def test_a_quotient_is_never_further_off_than_a_half() -> None:
    for numerator in range(-50, 51):
        for denominator in range(1, 12):
            off = abs(divided(numerator, denominator) - Fraction(numerator, denominator))
            assert off <= Fraction(1, 2)


def test_returns_are_told_in_basis_points() -> None:
    assert bps_text(price_return(200, 201), 2) == "50.00"
    assert bps_text(price_return(201, 200), 4) == "-49.7512"
