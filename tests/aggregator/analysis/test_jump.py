"""Jumps against statistics over the whole list of seconds."""

from decimal import Decimal, localcontext
from itertools import pairwise

import pytest

from aggregator.analysis.jump import Jump
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S
from tests.aggregator.analysis.trades import at, random_trades, trade


def quiet(jump: Jump, seconds: int) -> None:
    """Let the price go one tick up and down, each second."""
    for second in range(seconds):
        jump.add_trade(trade("buy", ("100", "100.01")[second % 2], seconds=second))


def test_a_step_that_is_far_larger_than_the_others_is_a_jump() -> None:
    jump = Jump()
    quiet(jump, 62)
    assert jump.value(at(61.5)) is None
    value = jump.value(at(62))
    assert value is not None
    assert (value["is_jump"], value["z"], value["seconds"]) == (False, "1.00", 60)
    jump.add_trade(trade("buy", "100.03", seconds=62.5))
    assert jump.value(at(62.9)) == value  # The second is not over yet.
    value = jump.value(at(63))
    assert value is not None
    assert value["is_jump"] is False  # 2 ticks, z is 2.
    jump.add_trade(trade("buy", "100.06", seconds=63.5))
    value = jump.value(at(64))
    assert value is not None
    assert value["is_jump"] is True


def test_where_nothing_moves_nothing_is_told() -> None:
    jump = Jump()
    jump.add_trade(trade("buy", "100"))
    assert jump.value(at(100)) is None
    # A pause of hours does not take hours to get over, and leaves no value behind.
    quiet(jump, 70)
    assert jump.value(at(86_400)) is None
    assert len(jump._returns) == 61


@pytest.mark.parametrize("seed", range(4))
def test_it_is_as_reckoned_over_all_seconds(seed: int) -> None:
    jump, trades = Jump(), random_trades(seed, 1_500)
    found = 0
    for number, one in enumerate(trades):
        jump.add_trade(one)
        if number % 10:
            continue
        value, z = jump.value(one.received_at_ns), _naive(trades[: number + 1])
        if z is None:
            assert value is None, f"seed {seed}, trade {number}"
            continue
        found += 1
        assert value is not None
        assert abs(Decimal(str(value["z"])) - z) <= Decimal("0.0051"), f"seed {seed}"
        assert value["is_jump"] == (abs(z) >= Decimal("2.5")), f"seed {seed}, {z}"
    assert found > 50


def _naive(trades: list[Trade]) -> Decimal | None:
    first, now = (one.received_at_ns // NS_A_S for one in (trades[0], trades[-1]))
    closes: list[int] = []
    prices = {one.received_at_ns // NS_A_S: one.price for one in trades}
    for second in range(max(first, now - 62), now):
        earlier = [at_s for at_s in prices if at_s <= second]
        closes.append(prices[max(earlier)])
    with localcontext() as context:
        context.prec = 50
        returns = [(Decimal(after) - before) / before for before, after in pairwise(closes)]
        if len(returns) < 61:
            return None
        *others, latest = returns[-61:]
        mean = sum(others, Decimal(0)) / 60
        variance = sum(((one - mean) ** 2 for one in others), Decimal(0)) / 60
        return (latest - mean) / variance.sqrt() if variance else None
