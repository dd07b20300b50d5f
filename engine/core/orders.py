"""The life of an order, and where open and closed orders are found.

The rule of this file: a status changes only by a step of the tables below. A step maps the status
before it to the status after it; an absent status is a bug, and looking it up stops the engine.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from engine.core.idempotency import FORGOTTEN_PER_COMMAND_MAX
from shared.messages import Order, OrderStatus

Step = Mapping[OrderStatus, OrderStatus]

_LIVE = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)

FILL: Step = dict.fromkeys(_LIVE, OrderStatus.PARTIALLY_FILLED)
FILL_LAST: Step = dict.fromkeys(_LIVE, OrderStatus.FILLED)
CANCEL: Step = dict.fromkeys(_LIVE, OrderStatus.CANCELLED)
EXPIRE: Step = dict.fromkeys(_LIVE, OrderStatus.EXPIRED)


def is_open(order: Order) -> bool:
    return order.status in _LIVE


class OpenOrders:
    """The orders in the books, by id, and by the owner's own id."""

    __slots__ = ("by_client_id", "by_id")

    def __init__(self) -> None:
        self.by_id: dict[int, Order] = {}
        self.by_client_id: dict[tuple[int, str], Order] = {}

    def add(self, order: Order) -> None:
        self.by_id[order.order_id] = order
        if order.client_order_id:
            self.by_client_id[order.account_id, order.client_order_id] = order

    def remove(self, order: Order) -> None:
        del self.by_id[order.order_id]
        if order.client_order_id:
            del self.by_client_id[order.account_id, order.client_order_id]

    def find(self, account_id: int, order_id: int, client_order_id: str) -> Order | None:
        """Return the account's own open order, by id, or (id 0) by its client order id.

        The order of somebody else is None, exactly as an unknown one.
        """
        if order_id == 0:
            return self.by_client_id.get((account_id, client_order_id))
        order = self.by_id.get(order_id)
        return order if order is not None and order.account_id == account_id else None


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

    def add(self, order_id: int, closed_at_ns: int) -> None:
        heappush(self._heap, (closed_at_ns, order_id))

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
