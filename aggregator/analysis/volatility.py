"""How much the price has moved, either way, in the last seconds.

The rule of this file: the sum of squares is exact for returns of 10^-12, and its root is rounded
down there, far below what is shown.
"""

from math import isqrt

from aggregator.analysis.numbers import bps_text, price_return
from aggregator.analysis.sliding import SlidingSums
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S

WINDOW_S = 10


class RealisedVolatility:
    """sigma = sqrt(sum of r_i^2), r_i = (p_i - p_(i-1)) / p_(i-1), over the trades of the last
    10 s; in basis points, for those 10 s (not for a year).

    Each return counts when its later trade was received. There is no value before 10 s were
    watched; after that, 0 says that nothing moved.
    """

    def __init__(self, window_s: int = WINDOW_S) -> None:
        self._window_s = window_s
        self._squares = SlidingSums(window_s * NS_A_S, 1)
        self._price = 0

    def add_trade(self, trade: Trade) -> None:
        step = price_return(self._price, trade.price) if self._price else 0
        self._price = trade.price
        self._squares.add(trade.received_at_ns, step * step)

    def value(self, at_ns: int) -> Value | None:
        sums = self._squares.sums(at_ns)
        if sums is None:
            return None
        return {"window_s": self._window_s, "bps": bps_text(isqrt(sums[0]), 4)}
