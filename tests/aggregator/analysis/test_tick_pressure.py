"""Runs of trades, by hand and by looking at the whole list each time."""

import pytest

from aggregator.analysis.tick_pressure import SIGNALS_KEPT, TickPressure
from aggregator.books.words import Trade
from shared.messages import Side
from tests.aggregator.analysis.trades import random_trades, trade

Row = tuple[str, str, str]

# A run of 5, what is made of it: (side, is it an ignition).
BY_HAND: list[tuple[list[Row], list[tuple[str, bool]]]] = [
    ([("buy", str(100 + n), "1") for n in range(4)], []),  # Four are no run.
    ([("buy", str(100 + n), "1") for n in range(5)], [("buy", False)]),  # 5 coins: momentum.
    ([("buy", str(100 + n), "2") for n in range(5)], [("buy", True)]),  # 10 coins: ignition.
    ([("sell", str(100 - n), "2") for n in range(5)], [("sell", True)]),
    ([("buy", str(100 - n), "2") for n in range(5)], []),  # Bought ever cheaper: no pressure.
    # 0.05 % of 10000 is 5, and 4.99 is less.
    ([("buy", "10000", "9")] * 4 + [("buy", "10005", "9")], [("buy", True)]),
    ([("buy", "10000", "9")] * 4 + [("buy", "10004.99", "9")], [("buy", False)]),
    ([("buy", "100", "9")] * 5, []),  # The price stands still.
    ([("buy", "100", "9")] * 7 + [("buy", "101", "9")], [("buy", True)]),  # Then it moves.
    # A sale in between begins a run of its own.
    ([("buy", "1", "1")] * 4 + [("sell", "1", "1")] + [("buy", "2", "1")], []),
    # Ten trades of one run are two signals, nine are one.
    ([("buy", str(100 + n), "1") for n in range(10)], [("buy", False)] * 2),
    ([("buy", str(100 + n), "1") for n in range(9)], [("buy", False)]),
]


@pytest.mark.parametrize(("rows", "expected"), BY_HAND)
def test_a_run_that_moves_the_price_is_a_signal(
    rows: list[Row], expected: list[tuple[str, bool]]
) -> None:
    pressure = TickPressure()
    for row in rows:
        pressure.add_trade(trade(*row))
    assert [(one.side.value, one.is_ignition) for one in pressure.signals] == expected
    assert pressure.ignitions + pressure.momenta == len(expected)


def test_the_last_signal_is_told() -> None:
    pressure = TickPressure()
    assert pressure.value(0) is None
    for number in range(5):
        pressure.add_trade(trade("sell", str(100 - number), "2", seconds=number))
    value = pressure.value(0)
    assert value is not None
    assert value["ignitions"] == 1
    last = value["last"]
    assert isinstance(last, dict)
    assert {name: last[name] for name in ("signal", "side", "quantity", "price", "move_bps")} == {
        "signal": "ignition",
        "side": "sell",
        "quantity": "10",
        "price": "96",
        "move_bps": "-400.00",
    }


def test_after_a_hole_a_run_begins_anew() -> None:
    pressure = TickPressure()
    for number in range(4):
        pressure.add_trade(trade("buy", str(100 + number)))
    pressure.break_off()
    pressure.add_trade(trade("buy", "104"))
    assert not pressure.signals


def test_signals_are_kept_in_a_ring() -> None:
    pressure = TickPressure(3)
    for number in range(3 * (SIGNALS_KEPT + 5)):
        pressure.add_trade(trade("buy", str(1 + number)))
    assert len(pressure.signals) == SIGNALS_KEPT
    assert pressure.momenta == SIGNALS_KEPT + 5


@pytest.mark.parametrize("run_trades", [2, 16])
def test_a_run_has_from_3_to_15_trades(run_trades: int) -> None:
    with pytest.raises(ValueError, match="from 3 to 15"):
        TickPressure(run_trades)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("run_trades", [3, 5])
def test_runs_are_found_as_by_looking_at_everything(seed: int, run_trades: int) -> None:
    trades = random_trades(seed, 3_000)
    pressure = TickPressure(run_trades)
    for one in trades:
        pressure.add_trade(one)
    expected = _naive(trades, run_trades)
    assert len(expected) > 5, f"seed {seed}"
    assert [one.at_ns for one in pressure.signals] == expected[-SIGNALS_KEPT:], f"seed {seed}"


def _naive(trades: list[Trade], count: int) -> list[int]:
    found, free_from = [], 0
    for end in range(1, len(trades) + 1):
        last = trades[end - count : end] if end - count >= free_from else []
        if not last or len({one.taker_side for one in last}) > 1:
            continue
        prices = [one.price for one in last]
        is_ordered = prices == sorted(prices, reverse=last[0].taker_side is Side.SELL)
        if is_ordered and prices[0] != prices[-1]:
            found.append(last[-1].received_at_ns)
            free_from = end
    return found
