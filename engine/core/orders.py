"""The life of an order, and where open and closed orders are found.

The rule of this file: a status changes only by a step of the tables below. A step maps the status
before it to the status after it; an absent status is a bug, and looking it up stops the engine.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from engine.core.idempotency import FORGOTTEN_PER_COMMAND_MAX
from engine.core.ledger import Account
from shared.messages import Order, OrderStatus, OrderType, TimeInForce

AT_A_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)  # Once they are in the market.
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
RESTING = (TimeInForce.GTC, TimeInForce.GTD)  # What may stay in the book.

Step = Mapping[OrderStatus, OrderStatus]

_AT_WORK = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
_LIVING = (OrderStatus.PENDING, *_AT_WORK)

TRIGGER: Step = {OrderStatus.PENDING: OrderStatus.OPEN}
# A child whose parent is filled may be a stop that goes on waiting.
START_WAITING: Step = {OrderStatus.PENDING: OrderStatus.PENDING}
FILL: Step = dict.fromkeys(_AT_WORK, OrderStatus.PARTIALLY_FILLED)
FILL_LAST: Step = dict.fromkeys(_AT_WORK, OrderStatus.FILLED)
CANCEL: Step = dict.fromkeys(_LIVING, OrderStatus.CANCELLED)
EXPIRE: Step = dict.fromkeys(_LIVING, OrderStatus.EXPIRED)


def is_open(order: Order) -> bool:
    """Say whether an order is living: pending, or at work."""
    return order.status in _LIVING


def is_pending(order: Order) -> bool:
    return order.status is OrderStatus.PENDING


def remaining_lots(order: Order) -> int:
    """Return what is left to trade, or 0 for an order by quote budget."""
    return order.quantity_lots - order.filled_lots if order.quantity_lots else 0


class OpenOrders:
    """The living orders by id; each account has its own ones, too."""

    __slots__ = ("by_id",)

    def __init__(self) -> None:
        self.by_id: dict[int, Order] = {}


def find_own(account: Account, order_id: int, client_order_id: str) -> Order | None:
    """Return the account's own living order, by id, or (id 0) by its client order id.

    The order of somebody else is None, exactly as an unknown one.
    """
    if order_id == 0:
        return account.client_orders.get(client_order_id)
    return account.orders.get(order_id)


class ClosedOrders:
    """Which closed orders are still remembered, so that the oldest can be forgotten first.

    Oldest is by (closing time, order id): a rule that needs no arrival order, so that what is
    rebuilt from rows forgets exactly as the original would have.
    """

    __slots__ = ("_heap", "orders_max", "window_ns")

    def __init__(self, orders_max: int, window_ns: int) -> None:
        self.orders_max = orders_max
        self.window_ns = window_ns
        self._heap: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, order_id: int, closed_at_ns: int) -> bool:
        """Remember an order, and say whether there are too many now."""
        heappush(self._heap, (closed_at_ns, order_id))
        return len(self._heap) > self.orders_max

    def forget(self, now_ns: int) -> list[int]:
        """Drop and return ids that are older than the window or too many, the oldest first."""
        heap, oldest_ns = self._heap, now_ns - self.window_ns
        forgotten: list[int] = []
        while heap and (heap[0][0] < oldest_ns or len(heap) > self.orders_max):
            if len(forgotten) == FORGOTTEN_PER_COMMAND_MAX:
                break  # After a quiet day all are over at once; the rest goes with the next ones.
            forgotten.append(heappop(heap)[1])
        return forgotten

    def remembered(self) -> list[tuple[int, int]]:
        """Return (closing time, order id) of all, oldest first."""
        return sorted(self._heap)
