"""The orders that are not at their end: what the next event about one of them changes.

The rule of this file: an order is kept from its acceptance to its end and no longer, so memory is
that of the orders that rest.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import astuple

from history.projection.rows import OrderRow, row_of
from shared.messages import OrderAccepted, OrderStatus

LIVING = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


class Living(Struct, gc=False):
    """An order as it is now: the columns of `OrderRow`, in their order, which may change here."""

    order_id: int
    placed_at_ns: int
    placed_n: int
    account_id: int
    client_order_id: str
    market: str
    side: str
    type: str
    time_in_force: str
    price_ticks: int
    quantity_lots: int
    budget_atoms: int
    filled_lots: int
    filled_quote_atoms: int
    fee_atoms: int
    status: str
    end_reason: str
    post_only: bool
    self_trade: str
    expires_at_ns: int
    display_lots: int
    stop_price_ticks: int
    trail_ticks: int
    trail_ppm: int
    peer_order_id: int
    parent_order_id: int
    updated_at_ns: int
    updated_sequence: int

    @classmethod
    def accepted(cls, event: OrderAccepted, n: int, at_ns: int) -> "Living":
        """Return an order as it begins."""
        return cls(
            event.order_id,
            at_ns,
            n,
            event.account_id,
            event.client_order_id,
            event.market,
            event.side.value,
            event.type.value,
            event.time_in_force.value,
            event.price_ticks,
            event.quantity_lots,
            event.budget_atoms,
            0,  # Filled lots,
            0,  # filled quote atoms,
            0,  # fee atoms: nothing yet.
            event.status.value,
            "",  # No end reason.
            event.post_only,
            event.self_trade.value,
            event.expires_at_ns,
            event.display_lots,
            event.stop_price_ticks,
            event.trail_ticks,
            event.trail_ppm,
            event.peer_order_id,
            event.parent_order_id,
            at_ns,
            event.sequence,
        )

    def row(self) -> OrderRow:
        """Return it as it is stored."""
        return row_of(OrderRow, astuple(self))


class LivingOrders:
    """The living orders by id, and those that have changed since the last drain."""

    def __init__(self, rows: Iterable[OrderRow] = ()) -> None:
        self._by_id = {row.order_id: Living(*row) for row in rows}
        self._touched: dict[int, Living] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, order: Living) -> None:
        """Take up an order that has just been accepted."""
        self._by_id[order.order_id] = self._touched[order.order_id] = order

    def touch(self, order_id: int, at_ns: int, sequence: int) -> Living:
        """Return an order that an event is about to change."""
        order = self._touched[order_id] = self._by_id[order_id]
        order.updated_at_ns, order.updated_sequence = at_ns, sequence
        return order

    def drain(self) -> dict[int, OrderRow]:
        """Return what has changed, as it is now, and let go what is at its end."""
        rows = {order_id: order.row() for order_id, order in self._touched.items()}
        for order_id, order in self._touched.items():
            if order.status not in LIVING:
                del self._by_id[order_id]
        self._touched.clear()
        return rows
