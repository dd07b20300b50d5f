"""Where the price goes, with each step counted by how much was traded for it.

The rule of this file: a step that cost a lot of trading counts more than one of a crumb.
"""

from aggregator.analysis.numbers import RETURN_SCALE, price_return, ratio_text
from aggregator.analysis.sliding import SlidingSums
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S

WINDOW_S = 10
_BPS = 10_000


class VolumeWeightedMomentum:
    """M = sum(q_i * r_i) / sum(q_i), r_i = (p_i - p_(i-1)) / p_(i-1), over the trades of the last
    10 s; in basis points a trade, above 0 when the volume goes with a rising price.

    There is no value before 10 s were watched, nor while nothing was traded in them.
    """

    def __init__(self, window_s: int = WINDOW_S) -> None:
        self._window_s = window_s
        self._sums = SlidingSums(window_s * NS_A_S, 2)
        self._price = 0

    def add_trade(self, trade: Trade) -> None:
        step = price_return(self._price, trade.price) if self._price else 0
        self._price = trade.price
        self._sums.add(trade.received_at_ns, trade.quantity * step, trade.quantity)

    def value(self, at_ns: int) -> Value | None:
        sums = self._sums.sums(at_ns)
        if sums is None or not sums[1]:
            return None
        weighted, quantity = sums
        return {
            "window_s": self._window_s,
            "bps": ratio_text(weighted * _BPS, quantity * RETURN_SCALE, 4),
        }
