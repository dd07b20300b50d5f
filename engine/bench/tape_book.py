"""A book as a tape sees it: the two ladders of production, and a report for all that happens.

The rule of this file: it is what is timed, so there is nothing in it but the messages' own work.
An order is what a ladder needs and its side; there are no accounts and no money.
"""

from collections.abc import Iterable

from msgspec import Struct

from engine.bench.errors import BenchError
from engine.bench.tape import CANCEL, NEW, Message
from engine.core.book import NOBODY, Ladder
from shared.messages import Side

ORDER_ACK, TRADE, CANCEL_ACK, MODIFY_ACK, CANCEL_REJECT, MODIFY_REJECT = range(6)

# Its kind, the sequence of its message, then what the kind says.
Report = tuple[int, ...]


class TapeOrder(Struct, gc=False, eq=False):
    """The least that can rest, and its side: 0 buys, 1 sells."""

    order_id: int
    price_ticks: int
    open_lots: int
    side: int
    account_id: int = 0
    terms: None = None


class TapeBook:
    """Two ladders, and the orders in them by their ids."""

    def __init__(self) -> None:
        self.bids: Ladder[TapeOrder] = Ladder(Side.BUY)
        self.asks: Ladder[TapeOrder] = Ladder(Side.SELL)
        self.living: dict[int, TapeOrder] = {}

    def run(self, messages: Iterable[Message]) -> list[Report]:
        """Carry out messages and return what they report; raises BenchError."""
        reports: list[Report] = []
        report, ladders, living = reports.append, (self.bids, self.asks), self.living
        for kind, side, is_ioc, lots, sequence, order_id, price_ticks in messages:
            if kind == NEW:
                report((ORDER_ACK, sequence, side, order_id, price_ticks, lots))
            else:
                order = living.pop(order_id, None)
                if order is None:
                    kind = CANCEL_REJECT if kind == CANCEL else MODIFY_REJECT
                    report((kind, sequence, order_id))
                    continue
                ladders[order.side].remove(order)
                if kind == CANCEL:
                    report((CANCEL_ACK, sequence, order.side, order_id, order.price_ticks))
                    continue
                report((MODIFY_ACK, sequence, side, order_id, price_ticks, lots))

            opposite = ladders[1 - side]
            worst_key = price_ticks * opposite.sign
            if opposite.near and opposite.near[-1] >= worst_key:
                for maker, taken in opposite.sweep(worst_key, lots, NOBODY):
                    maker_id = maker.order_id
                    report((TRADE, sequence, maker.price_ticks, taken, maker_id, order_id))
                    lots -= taken
                    if not maker.open_lots:
                        del living[maker_id]

            if not lots:
                continue
            if is_ioc:
                report((CANCEL_ACK, sequence, side, order_id, price_ticks))
                continue
            if order_id in living:
                raise BenchError(f"Message {sequence} places order {order_id} a second time.")
            living[order_id] = order = TapeOrder(order_id, price_ticks, lots, side)
            ladders[side].add(order)
        return reports
