"""What became of one order.

The rule of this file: changes and fills lie in two tables and are one story; an event is one or the
other, so its sequence is its place in the story.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.queries import views
from history.queries.catalog import Catalog
from history.queries.listings import select_orders
from history.sql.tables import fills, order_changes, orders
from shared.messages import OrderStatus
from shared.rest.history import OrderChangeView
from shared.rest.history_queries import QueryFault


async def order_of(connection: AsyncConnection, account_id: int, order_id: int) -> Any:
    """Return the row of an account's own order; raises QueryFault UNKNOWN_ORDER."""
    asked = select_orders().where(orders.c.order_id == order_id, orders.c.account_id == account_id)
    row = (await connection.execute(asked)).first()
    if row is None:  # That of somebody else is exactly as an unknown one.
        raise QueryFault("UNKNOWN_ORDER", "There is no such order.", "order_id")
    return row


async def events_of(
    connection: AsyncConnection, order: Any, *, after: int, limit: int
) -> list[Any]:
    """Return the rows of changes and fills with a later sequence than `after`, oldest first."""
    changes = await _rows(connection, order_changes, order, after, limit)
    filled = await _rows(connection, fills, order, after, limit)
    return sorted((*changes, *filled), key=lambda row: row.sequence)[:limit]


def view_of(order: Any, catalog: Catalog) -> Callable[[Any], OrderChangeView]:
    """Return what makes a view of a row of the order's story."""
    return partial(_view, order, catalog)


async def _rows(
    connection: AsyncConnection, table: sa.Table, order: Any, after: int, limit: int
) -> Sequence[Any]:
    columns = table.c
    asked = (
        sa.select(table)
        .where(
            columns.order_id == order.order_id,
            columns.sequence > after,
            # Where it can be at all, which saves a database most of its partitions.
            columns.at_ns >= order.placed_at_ns,
            columns.at_ns <= order.updated_at_ns,
        )
        .order_by(columns.sequence)
        .limit(limit)
    )
    return (await connection.execute(asked)).all()


def _view(order: Any, catalog: Catalog, row: Any) -> OrderChangeView:
    by_budget = order.budget_atoms > 0
    if hasattr(row, "change"):
        return views.order_change(row, catalog, by_budget=by_budget)
    # A fill that fills an order is the last that happens to it.
    is_last = order.status == OrderStatus.FILLED and row.sequence == order.updated_sequence
    status = OrderStatus.FILLED if is_last else OrderStatus.PARTIALLY_FILLED
    return views.order_fill(row, catalog, status.value, by_budget=by_budget)
