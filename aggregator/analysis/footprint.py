"""What was bought and sold at which price, minute by minute.

The rule of this file: bounded and complete. What has no row of its own is in the column's sums all
the same, so that every column adds up to what was traded in it.
"""

from collections import deque
from itertools import islice

from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S, to_text
from shared.messages import Side

COLUMN_S = 60
COLUMNS = 5
# Some 2 % of the price in one minute; what is traded in further rows is in the sums alone.
ROWS_MAX = 200
# The message is sent again and again: 5 columns of these have some 6 KB.
ROWS_SHOWN_MAX = 24
_ROW_PARTS = 10_000  # A row is about one basis point high.


class _Column:
    def __init__(self, number: int) -> None:
        self.number = number  # Minutes since 1970.
        self.rows: dict[int, list[int]] = {}  # By lower edge: bought, sold.
        self.sums = [0, 0]
        self._shown: Value | None = None  # Of most columns nothing changes any more.

    def add(self, edge: int, index: int, quantity: int) -> None:
        self._shown = None
        self.sums[index] += quantity
        row = self.rows.get(edge)
        if row is None:
            if len(self.rows) == ROWS_MAX:
                return
            row = self.rows[edge] = [0, 0]
        row[index] += quantity

    def shown(self) -> Value:
        if self._shown is None:
            most = sorted(self.rows.items(), key=lambda row: (-sum(row[1]), row[0]))
            rows = sorted(islice(most, ROWS_SHOWN_MAX), reverse=True)
            self._shown = {
                "at_s": self.number * COLUMN_S,
                "bought": to_text(self.sums[0]),
                "sold": to_text(self.sums[1]),
                "delta": to_text(self.sums[0] - self.sums[1]),
                "rows": [(to_text(edge), to_text(row[0]), to_text(row[1])) for edge, row in rows],
            }
        return self._shown


class Footprint:
    """bought(t, p) and sold(t, p): the sums of q_i of taker buys and sells of minute t with
    p <= price < p + row height, over the last 5 minutes of the clock, this one included; delta is
    bought - sold.

    The row height is the largest 1, 2 or 5 times a power of ten that is not above a ten-thousandth
    of the first price. Shown are the 24 rows of a column with the most trading, dearest first; its
    sums are of all its trades. There is no value before the first trade.
    """

    def __init__(self) -> None:
        self._columns: deque[_Column] = deque()
        self._height = 0

    def add_trade(self, trade: Trade) -> None:
        if not self._height:
            self._height = row_height(trade.price)
        self._move_to(trade.received_at_ns)
        edge = trade.price - trade.price % self._height
        self._column(trade.received_at_ns).add(
            edge, 0 if trade.taker_side is Side.BUY else 1, trade.quantity
        )

    def value(self, at_ns: int) -> Value | None:
        if not self._height:
            return None
        self._move_to(at_ns)
        return {
            "row_height": to_text(self._height),
            "column_s": COLUMN_S,
            "columns": [column.shown() for column in self._columns],
        }

    def _column(self, at_ns: int) -> _Column:
        number = at_ns // (COLUMN_S * NS_A_S)
        if not self._columns or self._columns[-1].number < number:
            self._columns.append(_Column(number))
        return self._columns[-1]

    def _move_to(self, at_ns: int) -> None:
        oldest = at_ns // (COLUMN_S * NS_A_S) - COLUMNS + 1
        while self._columns and self._columns[0].number < oldest:
            self._columns.popleft()


def row_height(price: int) -> int:
    """Return the height of rows around a price, in units; it is never below one unit."""
    largest = max(price // _ROW_PARTS, 1)
    power: int = 10 ** (len(str(largest)) - 1)
    return power * next(step for step in (5, 2, 1) if step * power <= largest)
