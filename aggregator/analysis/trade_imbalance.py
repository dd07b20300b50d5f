"""Whether takers buy or sell, by the number of their trades.

The rule of this file: a trade counts as one, however large it is.
"""

from collections import deque

from aggregator.analysis.numbers import ratio_text
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from shared.messages import Side

TRADES_DEFAULT = 10
# In tenths: beyond the first one it leans, beyond the second one it is strong.
LEANING_TENTHS, STRONG_TENTHS = 1, 3


class TradeImbalance:
    """TI = (buys - sells) / (buys + sells), over the last 10 trades, by the taker's side.

    The band is `balanced` up to 0.1 either way, `buy` or `sell` up to 0.3, and beyond it
    `strong_buy` or `strong_sell`. There is no value before there are 10 trades.
    """

    def __init__(self, trades: int = TRADES_DEFAULT) -> None:
        self._sides: deque[int] = deque(maxlen=trades)
        self._sum = 0

    def add_trade(self, trade: Trade) -> None:
        if len(self._sides) == self._sides.maxlen:
            self._sum -= self._sides[0]
        sign = 1 if trade.taker_side is Side.BUY else -1
        self._sides.append(sign)
        self._sum += sign

    def value(self, at_ns: int) -> Value | None:
        count = len(self._sides)
        if count != self._sides.maxlen:
            return None
        return {
            "trades": count,
            "imbalance": ratio_text(self._sum, count, 2),
            "band": _band(self._sum, count),
        }


def _band(difference: int, count: int) -> str:
    tenths = 10 * abs(difference)
    if tenths <= LEANING_TENTHS * count:
        return "balanced"
    side = "buy" if difference > 0 else "sell"
    return f"strong_{side}" if tenths > STRONG_TENTHS * count else side
