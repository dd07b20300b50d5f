"""How much more was bought than sold by takers, since the beginning.

The rule of this file: a sum of all trades, so that one that came late counts as well.
"""

from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import to_text
from shared.messages import Side


class CumulativeDelta:
    """delta = sum of q_i of taker buys - sum of q_i of taker sells, in the base asset, since the
    first trade that was seen (`since_ns`). There is no value before it.
    """

    def __init__(self) -> None:
        self._bought = self._sold = self._since_ns = 0

    def add_trade(self, trade: Trade) -> None:
        if not self._since_ns:
            self._since_ns = trade.received_at_ns
        if trade.taker_side is Side.BUY:
            self._bought += trade.quantity
        else:
            self._sold += trade.quantity

    def value(self, at_ns: int) -> Value | None:
        if not self._since_ns:
            return None
        return {
            "delta": to_text(self._bought - self._sold),
            "bought": to_text(self._bought),
            "sold": to_text(self._sold),
            "since_ns": self._since_ns,
        }
