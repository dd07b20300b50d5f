"""Decimal text becomes integers exactly, or not at all."""

from random import Random

import pytest

from history.outside.scaling import CHARS_MAX, text_of, units_of

TOO_FINE, TOO_LONG = f"0.{10**18}", "1" * (CHARS_MAX + 1)


@pytest.mark.parametrize(
    "text", ["", ".", ".5", "1.", "-1", "+1", "1e5", " 1", "1,5", "٣", TOO_FINE, TOO_LONG]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    assert units_of(text) is None


def test_there_and_back_is_the_same(seed: int) -> None:
    random = Random(seed)
    for _ in range(500):
        units = random.randint(0, 10 ** random.randint(1, 40))
        assert units_of(text_of(units)) == units
    assert units_of("65000.10") == 65_000_100_000_000_000_000_000
