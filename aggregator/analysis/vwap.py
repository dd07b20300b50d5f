"""The average price of what was traded.

The rule of this file: the sums are exact, and only the quotient is rounded.
"""

from aggregator.analysis.numbers import ratio_text
from aggregator.analysis.sliding import SlidingSums
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S, UNIT

WINDOW_S = 300
PLACES = 8


class Vwap:
    """VWAP = sum(p_i * q_i) / sum(q_i), over all trades since it began (`price`), and over those
    of the last 5 minutes (`window_price`, which is not there before 5 minutes were watched, nor
    while nothing was traded in them). There is no value before the first trade.
    """

    def __init__(self, window_s: int = WINDOW_S) -> None:
        self._window_s = window_s
        self._window = SlidingSums(window_s * NS_A_S, 2)
        self._paid = self._quantity = self._since_ns = 0

    def add_trade(self, trade: Trade) -> None:
        if not self._quantity:
            self._since_ns = trade.received_at_ns
        paid = trade.price * trade.quantity
        self._paid += paid
        self._quantity += trade.quantity
        self._window.add(trade.received_at_ns, paid, trade.quantity)

    def value(self, at_ns: int) -> Value | None:
        if not self._quantity:
            return None
        value: Value = {
            "price": ratio_text(self._paid, self._quantity * UNIT, PLACES),
            "since_ns": self._since_ns,
        }
        sums = self._window.sums(at_ns)
        if sums is not None and sums[1]:
            value["window_s"] = self._window_s
            value["window_price"] = ratio_text(sums[0], sums[1] * UNIT, PLACES)
        return value
