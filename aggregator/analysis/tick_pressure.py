"""Runs of trades that push the price one way.

The rule of this file: a trade belongs to one signal at most, so a long run is not told again with
each of its trades.
"""

from collections import deque
from typing import NamedTuple

from aggregator.analysis.numbers import bps_text, price_return
from aggregator.analysis.values import Value
from aggregator.books.words import Trade
from aggregator.protocol import UNIT, to_text
from shared.messages import Side

RUN_TRADES_DEFAULT = 5
RUN_TRADES_MIN, RUN_TRADES_MAX = 3, 15
IGNITION_QUANTITY = 10 * UNIT  # In the base asset.
IGNITION_MOVE_PARTS = 2_000  # A move of 0.05 % is one part of 2,000.
SIGNALS_KEPT = 512


class PressureSignal(NamedTuple):
    """`quantity` is that of the run, in units; so are the prices it began and ended with."""

    at_ns: int
    side: Side
    is_ignition: bool
    quantity: int
    first_price: int
    last_price: int


class TickPressure:
    """A signal is K trades in a row (5; 3 to 15) of one taker side, no price of them behind the
    one before (not lower for buys, not higher for sells), and the last one ahead of the first.

    It is an `ignition` when the K trades are 10 or more of the base asset and
    |last - first| / first >= 0.05 %, otherwise `momentum`. The last 512 are kept in `signals`.
    There is no value before the first one.
    """

    def __init__(self, run_trades: int = RUN_TRADES_DEFAULT) -> None:
        if not RUN_TRADES_MIN <= run_trades <= RUN_TRADES_MAX:
            raise ValueError(f"A run has from {RUN_TRADES_MIN} to {RUN_TRADES_MAX} trades.")
        self.signals: deque[PressureSignal] = deque(maxlen=SIGNALS_KEPT)
        self.ignitions = self.momenta = 0  # Since it began.
        self._run: deque[Trade] = deque(maxlen=run_trades)

    def add_trade(self, trade: Trade) -> None:
        if self._run and not _goes_on(self._run[-1], trade):
            self._run.clear()
        self._run.append(trade)
        if len(self._run) == self._run.maxlen and trade.price != self._run[0].price:
            self._signal()
            self._run.clear()

    def break_off(self) -> None:
        """Forget the run: trades between the last one and the next one are not known."""
        self._run.clear()

    def value(self, at_ns: int) -> Value | None:
        if not self.signals:
            return None
        last = self.signals[-1]
        return {
            "ignitions": self.ignitions,
            "momenta": self.momenta,
            "last": {
                "signal": "ignition" if last.is_ignition else "momentum",
                "side": last.side,
                "at_ns": last.at_ns,
                "quantity": to_text(last.quantity),
                "price": to_text(last.last_price),
                "move_bps": bps_text(price_return(last.first_price, last.last_price), 2),
            },
        }

    def _signal(self) -> None:
        first, last = self._run[0], self._run[-1]
        quantity = sum(trade.quantity for trade in self._run)
        move = abs(last.price - first.price)
        is_large = quantity >= IGNITION_QUANTITY
        is_ignition = is_large and move * IGNITION_MOVE_PARTS >= first.price
        self.ignitions += is_ignition
        self.momenta += not is_ignition
        self.signals.append(
            PressureSignal(
                last.received_at_ns,
                last.taker_side,
                is_ignition,
                quantity,
                first.price,
                last.price,
            )
        )


def _goes_on(before: Trade, after: Trade) -> bool:
    if before.taker_side is not after.taker_side:
        return False
    if after.taker_side is Side.BUY:
        return after.price >= before.price
    return after.price <= before.price
