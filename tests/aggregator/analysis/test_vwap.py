"""Average prices, by hand and by fractions."""

from fractions import Fraction

from aggregator.analysis.vwap import Vwap
from tests.aggregator.analysis.trades import at, random_trades, trade


def test_by_hand() -> None:
    vwap = Vwap()
    assert vwap.value(at(0)) is None
    vwap.add_trade(trade("buy", "100", "2", 0))
    vwap.add_trade(trade("sell", "103", "1", 200))
    assert vwap.value(at(299)) == {"price": "101.00000000", "since_ns": at(0)}
    # After 5 minutes the first trade is in the average since the beginning alone.
    assert vwap.value(at(303)) == {
        "price": "101.00000000",
        "since_ns": at(0),
        "window_s": 300,
        "window_price": "103.00000000",
    }
    assert vwap.value(at(900)) == {"price": "101.00000000", "since_ns": at(0)}


def test_it_is_exact_until_the_last_digit() -> None:
    for seed in range(5):
        vwap, trades = Vwap(), random_trades(seed, 300)
        for one in trades:
            vwap.add_trade(one)
        paid = sum(one.price * one.quantity for one in trades)
        expected = Fraction(paid, sum(one.quantity for one in trades) * 10**18)
        value = vwap.value(0)
        assert value is not None
        off = abs(Fraction(str(value["price"])) - expected)
        assert off <= Fraction(1, 2 * 10**8), f"seed {seed}"
