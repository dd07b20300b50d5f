"""Volume-weighted momentum, by hand and by fractions."""

from fractions import Fraction

import pytest

from aggregator.analysis.momentum import VolumeWeightedMomentum
from aggregator.books.words import Trade
from tests.aggregator.analysis.trades import at, random_trades, trade


def test_by_hand() -> None:
    analysis = VolumeWeightedMomentum()
    # 100 basis points up with 3 coins, 100 down with 1, one coin before: (300 - 100) / 5.
    for seconds, price, quantity in ((1, "100", "1"), (2, "101", "3"), (3, "99.99", "1")):
        analysis.add_trade(trade("buy", price, quantity, seconds))
    assert analysis.value(at(10.9)) is None
    analysis.add_trade(trade("sell", "99.99", "1", 10.9))
    # The first trade has just left the window.
    assert analysis.value(at(11)) == {"window_s": 10, "bps": "40.0000"}
    assert analysis.value(at(60)) is None


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_sum_over_the_window(seed: int) -> None:
    analysis, trades = VolumeWeightedMomentum(), random_trades(seed, 400)
    for number, one in enumerate(trades):
        analysis.add_trade(one)
        value = analysis.value(one.received_at_ns)
        if value is not None:
            expected = _naive(trades[: number + 1], one.received_at_ns)
            assert abs(Fraction(str(value["bps"])) - expected) < Fraction(1, 10_000), f"seed {seed}"
    assert value is not None


def _naive(trades: list[Trade], now_ns: int) -> Fraction:
    weighted = quantity = Fraction(0)
    before = trades[0].price
    for one in trades:
        if one.received_at_ns // 10**8 > now_ns // 10**8 - 100:
            weighted += one.quantity * Fraction(one.price - before, before)
            quantity += one.quantity
        before = one.price
    return 10_000 * weighted / quantity
