"""Whether the price has just moved much more than it does as a rule.

The rule of this file: returns of whole seconds are compared, for of one trade to the next most are
nothing, and any tick would be a jump.
"""

from collections import deque
from math import isqrt

from aggregator.analysis.numbers import bps_text, price_return, ratio_text
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S

SECONDS = 60
# |z| from 2.5 on, as a square: z^2 >= 25 / 4.
Z_SQUARE_NUMERATOR, Z_SQUARE_DENOMINATOR = 25, 4
_ROOT_SCALE = 10**6  # The root is of integers as large as 10^20; this is for the small ones.


class Jump:
    """z = (r - m) / s; r is the return of the last full second (its last price to that of the
    second before), m and s are mean and population standard deviation of the 60 returns before it.

    It is a jump from |z| = 2.5 on. A second without trades has a return of 0. There is no value
    before there are 61 returns, nor where s is 0.
    """

    def __init__(self, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._returns: deque[int] = deque()  # One more than `seconds`, the last one is judged.
        self._sum = self._square_sum = 0
        self._second = 0  # The one that goes on, by its number since 1970.
        self._price = self._price_before = 0  # Last of that second, and of the one before.

    def add_trade(self, trade: Trade) -> None:
        self._move_to(trade.received_at_ns)
        self._price = trade.price

    def value(self, at_ns: int) -> Value | None:
        self._move_to(at_ns)
        if len(self._returns) <= self._seconds:
            return None
        latest, count = self._returns[-1], self._seconds
        total, squares = self._sum - latest, self._square_sum - latest * latest
        # With n, S and Q for the 60: z = (n r - S) / sqrt(n Q - S^2).
        distance, variance = count * latest - total, count * squares - total * total
        if not variance:
            return None
        root = isqrt(variance * _ROOT_SCALE**2)
        is_jump = distance**2 * Z_SQUARE_DENOMINATOR >= Z_SQUARE_NUMERATOR * variance
        return {
            "z": ratio_text(distance * _ROOT_SCALE, root, 2),
            "is_jump": is_jump,
            "bps": bps_text(latest, 4),
            "seconds": count,
        }

    def _move_to(self, at_ns: int) -> None:
        second = at_ns // NS_A_S
        if not self._price:
            self._second = max(second, self._second)
            return
        for _ in range(min(second - self._second, self._seconds + 2)):
            self._end_second()
        self._second = max(second, self._second)

    def _end_second(self) -> None:
        if self._price_before:
            self._push(price_return(self._price_before, self._price))
        self._price_before = self._price

    def _push(self, step: int) -> None:
        self._returns.append(step)
        self._sum += step
        self._square_sum += step * step
        if len(self._returns) > self._seconds + 1:
            gone = self._returns.popleft()
            self._sum -= gone
            self._square_sum -= gone * gone
