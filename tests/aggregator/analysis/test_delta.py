"""Bought against sold."""

from aggregator.analysis.delta import CumulativeDelta
from tests.aggregator.analysis.trades import at, trade


def test_everything_since_the_beginning_counts() -> None:
    delta = CumulativeDelta()
    assert delta.value(0) is None
    delta.add_trade(trade("buy", "1", "0.1", 1))
    delta.add_trade(trade("sell", "1", "0.30000001", 2))
    delta.add_trade(trade("buy", "1", "0.05", 9_999, is_recovered=True))
    assert delta.value(0) == {
        "delta": "-0.15000001",
        "bought": "0.15",
        "sold": "0.30000001",
        "since_ns": at(1),
    }
