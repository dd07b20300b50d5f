"""Buys against sells over the last trades."""

from fractions import Fraction

import pytest

from aggregator.analysis.trade_imbalance import TradeImbalance
from shared.messages import Side
from tests.aggregator.analysis.trades import random_trades, trade


@pytest.mark.parametrize(
    ("buys", "imbalance", "band"),
    [
        (5, "0.00", "balanced"),
        (6, "0.20", "buy"),
        (7, "0.40", "strong_buy"),
        (4, "-0.20", "sell"),
        (3, "-0.40", "strong_sell"),
        (10, "1.00", "strong_buy"),
    ],
)
def test_ten_trades_make_an_imbalance(buys: int, imbalance: str, band: str) -> None:
    analysis = TradeImbalance()
    for number in range(10):
        assert analysis.value(0) is None
        analysis.add_trade(trade("buy" if number < buys else "sell", "1"))
    assert analysis.value(0) == {"trades": 10, "imbalance": imbalance, "band": band}


@pytest.mark.parametrize(
    ("trades", "buys", "band"), [(20, 11, "balanced"), (20, 13, "buy"), (20, 14, "strong_buy")]
)
def test_a_band_includes_its_edge(trades: int, buys: int, band: str) -> None:
    # 20 trades: 11 buys are 0.1, 13 are 0.3, both still inside their bands.
    analysis = TradeImbalance(trades)
    for number in range(trades):
        analysis.add_trade(trade("buy" if number < buys else "sell", "1"))
    value = analysis.value(0)
    assert value is not None
    assert value["band"] == band


def test_only_the_last_trades_count() -> None:
    for seed in range(5):
        analysis, trades = TradeImbalance(), random_trades(seed, 200)
        for number, one in enumerate(trades):
            analysis.add_trade(one)
            last = [1 if each.taker_side is Side.BUY else -1 for each in trades[: number + 1][-10:]]
            value = analysis.value(0)
            if len(last) < 10:
                assert value is None
            else:
                assert value is not None
                assert Fraction(str(value["imbalance"])) == Fraction(sum(last), 10), f"seed {seed}"
