"""What every analysis has.

The rule of this file: a value is what JSON can say, with decimals as texts.
"""

from typing import Protocol

from aggregator.books.words import Trade

Value = dict[str, object]


class TradeAnalysis(Protocol):
    def add_trade(self, trade: Trade) -> None:
        """Take the next trade; its `received_at_ns` is when it counts."""

    def value(self, at_ns: int) -> Value | None:
        """Return what it says now; None while there is not enough to say it from."""
