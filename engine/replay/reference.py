"""The simplest exchange that can be right: what a day must come to, found without the engine.

The rule of this file: nothing of the engine is used here, and nothing is clever. A queue is a
list, and the best price is looked for among all.
"""

from typing import NamedTuple

from engine.replay.day import Kind, Row
from shared.messages import Side


class Trade(NamedTuple):
    """One trade, by the row that caused it."""

    row: int
    maker_uid: str
    taker_uid: str
    taker_side: str
    price_units: int
    lots: int


class Touch(NamedTuple):
    """The best prices after a row; None where a side is empty."""

    bid_units: int | None
    ask_units: int | None


class Expected(NamedTuple):
    """All trades in order, and the touch after each row."""

    trades: list[Trade]
    touches: list[Touch]


def play(rows: list[Row]) -> Expected:
    """Return what the rows come to by price, then time."""
    market = _Market()
    touches = []
    for number, row in enumerate(rows):
        market.take(number, row)
        touches.append(market.touch())
    return Expected(market.trades, touches)


class _Market:
    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self._queues: dict[Side, dict[int, list[str]]] = {Side.BUY: {}, Side.SELL: {}}
        self._places: dict[str, tuple[Side, int]] = {}
        self._remaining: dict[str, int] = {}

    def take(self, number: int, row: Row) -> None:
        if row.kind is Kind.NEW:
            self._place(number, row)
        elif row.uid not in self._places:
            return
        elif row.kind is Kind.MODIF and row.lots < self._remaining[row.uid]:
            self._remaining[row.uid] -= row.lots
        else:
            self._remove(row.uid)

    def touch(self) -> Touch:
        return Touch(self._best(Side.BUY), self._best(Side.SELL))

    def _best(self, side: Side) -> int | None:
        prices = self._queues[side]
        return (max if side is Side.BUY else min)(prices, default=None)

    def _place(self, number: int, row: Row) -> None:
        other = Side.SELL if row.side is Side.BUY else Side.BUY
        lots = row.lots
        while lots and (price := self._best(other)) is not None and _crosses(row, price):
            maker = self._queues[other][price][0]
            traded = min(lots, self._remaining[maker])
            self.trades.append(Trade(number, maker, row.uid, str(row.side), price, traded))
            lots -= traded
            self._remaining[maker] -= traded
            if not self._remaining[maker]:
                self._remove(maker)
        if lots:
            self._queues[row.side].setdefault(row.price_units, []).append(row.uid)
            self._places[row.uid] = row.side, row.price_units
            self._remaining[row.uid] = lots

    def _remove(self, uid: str) -> None:
        side, price = self._places.pop(uid)
        del self._remaining[uid]
        queue = self._queues[side][price]
        queue.remove(uid)
        if not queue:
            del self._queues[side][price]


def _crosses(row: Row, price_units: int) -> bool:
    return (
        price_units <= row.price_units if row.side is Side.BUY else price_units >= row.price_units
    )
