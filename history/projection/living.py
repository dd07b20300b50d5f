"""The orders that are not at their end: what the next event about one of them changes.

The rule of this file: an order is kept from its acceptance to its end and no longer, so memory is
that of the orders that rest.
"""

from history.projection.rows import OrderRow
from shared.messages import OrderAccepted, OrderStatus

LIVING = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


class Living:
    """An order as it is now."""

    __slots__ = (
        "end_reason",
        "fee_atoms",
        "filled_lots",
        "filled_quote_atoms",
        "first",
        "price_ticks",
        "quantity_lots",
        "status",
        "stop_price_ticks",
        "updated_at_ns",
        "updated_sequence",
    )

    def __init__(self, row: OrderRow) -> None:
        self.first = row
        self.price_ticks = row.price_ticks
        self.stop_price_ticks = row.stop_price_ticks
        self.quantity_lots = row.quantity_lots
        self.filled_lots = row.filled_lots
        self.filled_quote_atoms = row.filled_quote_atoms
        self.fee_atoms = row.fee_atoms
        self.status = row.status
        self.end_reason = row.end_reason
        self.updated_at_ns = row.updated_at_ns
        self.updated_sequence = row.updated_sequence

    @property
    def is_at_its_end(self) -> bool:
        return self.status not in LIVING

    def row(self) -> OrderRow:
        """Return it as it is stored."""
        return self.first._replace(
            price_ticks=self.price_ticks,
            stop_price_ticks=self.stop_price_ticks,
            quantity_lots=self.quantity_lots,
            filled_lots=self.filled_lots,
            filled_quote_atoms=self.filled_quote_atoms,
            fee_atoms=self.fee_atoms,
            status=self.status,
            end_reason=self.end_reason,
            updated_at_ns=self.updated_at_ns,
            updated_sequence=self.updated_sequence,
        )


def accepted_row(event: OrderAccepted, n: int, at_ns: int) -> OrderRow:
    """Return an order as it was accepted."""
    return OrderRow(
        order_id=event.order_id,
        placed_at_ns=at_ns,
        placed_n=n,
        account_id=event.account_id,
        client_order_id=event.client_order_id,
        market=event.market,
        side=event.side.value,
        type=event.type.value,
        time_in_force=event.time_in_force.value,
        price_ticks=event.price_ticks,
        quantity_lots=event.quantity_lots,
        budget_atoms=event.budget_atoms,
        filled_lots=0,
        filled_quote_atoms=0,
        fee_atoms=0,
        status=event.status.value,
        end_reason="",
        post_only=event.post_only,
        self_trade=event.self_trade.value,
        expires_at_ns=event.expires_at_ns,
        display_lots=event.display_lots,
        stop_price_ticks=event.stop_price_ticks,
        trail_ticks=event.trail_ticks,
        trail_ppm=event.trail_ppm,
        peer_order_id=event.peer_order_id,
        parent_order_id=event.parent_order_id,
        updated_at_ns=at_ns,
        updated_sequence=event.sequence,
    )
