"""Texts of venues as integers: exact both ways, and nothing else passes for a number."""

import random
from decimal import Decimal
from typing import Any

import pytest

from aggregator.protocol.decimals import (
    DECIMALS,
    TEXT_CHARS_MAX,
    UNIT,
    DecimalError,
    Memory,
    to_text,
    to_units,
)

SEED = 20_261_121


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("0.00000000", 0),
        ("1", UNIT),
        ("100.10", 1_001 * UNIT // 10),
        ("100.1", 1_001 * UNIT // 10),
        (".5", UNIT // 2),
        ("5.", 5 * UNIT),
        ("00012.50", 25 * UNIT // 2),
        ("0.000000000000000001", 1),
        ("0.0000000000000000010", 1),
        ("90071992.54740993", 9_007_199_254_740_993 * 10**10),
    ],
)
def test_a_text_is_exactly_its_units(text: str, units: int) -> None:
    assert to_units(text) == units


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-1", "+1", "1e5", "1E-8", "NaN", "inf", " 1", "1 ", "1.2.3", "0x10", "1_000"),
        *("١٢", "²", "1,5", "0.0000000000000000001", "9" * (TEXT_CHARS_MAX + 1)),
    ],
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(DecimalError):
        to_units(text)


def test_texts_and_units_agree_both_ways() -> None:
    source = random.Random(SEED)
    for _ in range(2_000):
        units = source.randrange(10 ** source.randint(1, 27))
        text = to_text(units)
        assert to_units(text) == units, f"seed {SEED}: {units}"
        assert Decimal(text).scaleb(DECIMALS) == units
        assert not (("." in text) and text.endswith(("0", "."))), text


def test_an_amount_below_zero_has_a_sign() -> None:
    assert to_text(-UNIT // 2) == "-0.5"


def test_a_memory_stays_small_and_right() -> None:
    memory = Memory(3)
    for number in range(10):
        assert memory[str(number)] == number * UNIT
        assert len(memory) <= 3


@pytest.mark.parametrize("value", [63_000, 0.5, None, b"1"])
def test_a_number_that_is_no_text_is_refused_and_not_a_crash(value: Any) -> None:
    with pytest.raises(DecimalError):
        Memory(3)[value]
