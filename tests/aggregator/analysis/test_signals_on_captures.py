"""The analyses on the trades of a real exchange: all of them speak, and sums are exact."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggregator.analysis.signals import SignalDesk, Values
from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.plan import ConnectionPlan
from aggregator.books.words import Trade
from aggregator.protocol import UNIT, to_text
from aggregator.registry import load_connectors
from shared.messages import Side
from tests.support.outside_books import TableBook
from tests.support.recorded import recorded_rows

RECORDINGS = (
    ("binance-spot-btcusdt", "binance:spot", 1_000),
    ("binance-usdm-btcusdt", "binance:linear", 1_000),
)


def recorded_trades(data_dir: Path, name: str, feed: str) -> list[Trade]:
    connector, manifest = load_connectors()[feed]
    desk = Desk(connector, manifest, (), DeskOptions(guess_symbols=True))
    rows = recorded_rows(data_dir, name)
    desk.opened(0, ConnectionPlan(0, manifest.sockets[0], rows[0].url, (), ()), rows[0].at_ns)
    trades: list[Trade] = []
    for row in rows:
        if row.kind == "recv":
            desk.received(0, row.data.encode(), row.at_ns)
            trades += desk.take_trades()
    return trades


@pytest.mark.parametrize(("name", "feed", "trades_min"), RECORDINGS)
def test_all_analyses_speak_and_sums_are_exact(
    data_dir: Path, name: str, feed: str, trades_min: int
) -> None:
    trades = recorded_trades(data_dir, name, feed)
    assert len(trades) > trades_min
    desk = SignalDesk()
    said: Values = {}
    for trade in trades:
        desk.add_trade(trade)
        said = desk.take(trade.received_at_ns, TableBook([("1", "1")], [("2", "1")])) or said
    last_ns = trades[-1].received_at_ns
    said = desk.take(last_ns + 10**9, None) or said
    values: dict[str, Any] = {key: msgspec.json.decode(value) for key, value in said.items()}
    assert set(values) >= {
        "cumulative_delta", "footprint", "jump", "tick_pressure", "trade_imbalance", "vwap",
        "volatility", "momentum",
    }  # fmt: skip
    bought = sum(trade.quantity for trade in trades if trade.taker_side is Side.BUY)
    sold = sum(trade.quantity for trade in trades if trade.taker_side is Side.SELL)
    assert values["cumulative_delta"]["delta"] == to_text(bought - sold)
    paid = sum(trade.price * trade.quantity for trade in trades)
    off = Fraction(values["vwap"]["price"]) - Fraction(paid, (bought + sold) * UNIT)
    assert abs(off) <= Fraction(1, 2 * 10**8)
    columns = values["footprint"]["columns"]
    assert sum(Fraction(column["delta"]) for column in columns) == Fraction(bought - sold, UNIT)
    # A calm minute of one of the largest markets: some moves, but no crash.
    assert 0 < Fraction(values["volatility"]["bps"]) < 100
    assert abs(Fraction(values["momentum"]["bps"])) < 10
