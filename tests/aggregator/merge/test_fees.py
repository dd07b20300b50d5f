"""Prices after fees, rounded against the taker, and depth in their order."""

import random
from fractions import Fraction
from math import floor

import pytest

from aggregator.books.side import Side
from aggregator.merge.fees import best_after_fees, levels_after_fees
from aggregator.protocol import to_text, to_units


@pytest.mark.parametrize(
    ("sign", "price", "fee_ppm", "after"),
    [
        (1, "100", 1_000, "99.9"),
        (-1, "100", 1_000, "100.1"),
        (1, "100", 0, "100"),
        # 3.6e-17 and 3.4e-17: the seller gets less, the buyer pays more.
        (1, "0.000000000000000035", 10_000, "0.000000000000000034"),
        (-1, "0.000000000000000035", 10_000, "0.000000000000000036"),
    ],
)
def test_what_cannot_be_split_is_rounded_against_the_taker(
    sign: int, price: str, fee_ppm: int, after: str
) -> None:
    side = Side(sign)
    side.replace([(sign * to_units(price), 1)])
    best = best_after_fees({"a": side}, lambda _: fee_ppm)
    assert best is not None
    assert to_text(best[0] * sign) == after


@pytest.mark.parametrize("sign", [1, -1])
def test_levels_come_in_the_order_of_what_they_are_worth(sign: int) -> None:
    for seed in range(20):
        draw = random.Random(seed)
        fees = {name: draw.randrange(0, 10_000) for name in "abc"}
        sides = {name: Side(sign) for name in fees}
        for side in sides.values():
            side.replace((sign * draw.randrange(900, 1_000), draw.randrange(1, 9)) for _ in "12345")
        every = [
            (key * (1 - sign * Fraction(fees[name], 10**6)), name, key)
            for name, side in sides.items()
            for key in side.keys
        ]
        expected = sorted(every, key=lambda level: (-level[0], level[1]))
        found = [(one.book, one.key) for one in levels_after_fees(sides, fees.__getitem__)]
        assert found == [(name, key) for _, name, key in expected], f"seed {seed}"
        best = best_after_fees(sides, fees.__getitem__)
        assert best == (floor(expected[0][0]), expected[0][1]), f"seed {seed}"


def test_without_levels_there_is_no_best() -> None:
    assert best_after_fees({"a": Side(1)}, lambda _: 0) is None
    assert list(levels_after_fees({"a": Side(1)}, lambda _: 0)) == []
