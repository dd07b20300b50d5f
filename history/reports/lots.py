"""What an account has bought and sold in a market, and what it has made of it.

The rule of this file: first in, first out, in whole numbers: the cost of a part of a trade is its
price times its lots, so nothing is ever rounded.
"""

from collections import deque


class Lots:
    """The trades of one account in one market that are not closed by opposite ones.

    A trade first closes the oldest open ones of the other side, and what is left of it is open at
    its price. Who sells more than was bought here has open sales: money from elsewhere.
    """

    def __init__(self) -> None:
        self._open: deque[list[int]] = deque()  # [price_ticks, lots]: all of one sign.
        self.net_lots = 0  # Above 0: more was bought than sold.

    def buy(self, price_ticks: int, lots: int) -> int:
        """Add a purchase; return what the sales that it closes have made, in ticks times lots."""
        return self._take(price_ticks, lots, 1)

    def sell(self, price_ticks: int, lots: int) -> int:
        """Add a sale; return what it has made of the purchases that it closes."""
        return self._take(price_ticks, lots, -1)

    @property
    def cost_tick_lots(self) -> int:
        """What the open trades have cost (of sales: brought, below 0), in ticks times lots."""
        return sum(price * lots for price, lots in self._open)

    def _take(self, price_ticks: int, lots: int, sign: int) -> int:
        made, left = 0, lots
        while left and self._open and self._open[0][1] * sign < 0:
            oldest = self._open[0]
            closed = min(left, abs(oldest[1]))
            made += (oldest[0] - price_ticks) * closed * sign
            oldest[1] += closed * sign
            left -= closed
            if not oldest[1]:
                self._open.popleft()
        if left and self._open and self._open[-1][0] == price_ticks:
            self._open[-1][1] += left * sign  # One price is one entry, so that memory stays small.
        elif left:
            self._open.append([price_ticks, left * sign])
        self.net_lots += lots * sign
        return made
