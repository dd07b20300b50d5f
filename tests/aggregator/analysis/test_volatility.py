"""Realised volatility against decimals with many digits."""

from decimal import Decimal, localcontext
from itertools import pairwise

import pytest

from aggregator.analysis.volatility import RealisedVolatility
from aggregator.books.words import Trade
from tests.aggregator.analysis.trades import at, random_trades, trade


def test_by_hand() -> None:
    analysis = RealisedVolatility()
    # 1 % up and 1 % down: sqrt(2) %, so 141.42 basis points.
    for seconds, price in ((0, "100"), (8, "101"), (9, "99.99")):
        analysis.add_trade(trade("buy", price, seconds=seconds))
        assert analysis.value(at(seconds)) is None
    assert analysis.value(at(10)) == {"window_s": 10, "bps": "141.4214"}
    # After 18.5 seconds only the second one is in the window, later none.
    assert analysis.value(at(18.5)) == {"window_s": 10, "bps": "100.0000"}
    assert analysis.value(at(30)) == {"window_s": 10, "bps": "0.0000"}


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_root_of_the_squares_in_the_window(seed: int) -> None:
    analysis, trades = RealisedVolatility(), random_trades(seed, 400)
    for number, one in enumerate(trades):
        analysis.add_trade(one)
        value = analysis.value(one.received_at_ns)
        if one.received_at_ns < at(0) + 10 * 10**9 + trades[0].received_at_ns - at(0):
            assert value is None
            continue
        assert value is not None
        expected = _naive(trades[: number + 1], one.received_at_ns)
        off = abs(Decimal(str(value["bps"])) - expected)
        assert off <= Decimal("0.0001"), f"seed {seed}, trade {number}"


def _naive(trades: list[Trade], now_ns: int) -> Decimal:
    with localcontext() as context:
        context.prec = 50
        total = Decimal(0)
        for before, after in pairwise(trades):
            # A window is a hundred parts of 100 ms, by the clock.
            if after.received_at_ns // 10**8 > now_ns // 10**8 - 100:
                total += ((Decimal(after.price) - before.price) / before.price) ** 2
        return total.sqrt() * 10_000
