"""The lists that are read newest first: trades, orders, fills, statements, refusals.

The rule of this file: a list is a table, the columns that its rows are in order of, and what the
parameters mean. A page is found by the place of the row before it and never by counting, so it
costs the same however deep it lies, and rows that come in meanwhile move nothing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct

from history.queries import views
from history.queries.catalog import Catalog
from history.queries.cursors import Place
from history.sql.tables import HAS_CLIENT_ORDER_ID, fills, ledger, orders, rejections, trades
from shared.rest.history import FillRecord, LedgerLine, OrderRecord, RejectionView
from shared.rest.history_queries import (
    FILLS,
    LEDGER,
    ORDERS,
    REJECTIONS,
    TRADES,
    HistoryQuery,
    HistoryRoute,
)
from shared.rest.market_data import TradeView

Condition = sa.ColumnElement[bool] | sa.TextClause


class Listing(NamedTuple):
    """One list. The first of the `keys` is the time; with all of them a row has its place.

    `filters`: the parameters, and the columns that must be equal to them. `found_by`: the columns
    of an index by whose last one few rows are found.
    """

    route: HistoryRoute
    table: sa.Table
    keys: tuple[str, ...]
    filters: tuple[str, ...]
    struct: type[Struct]
    view: Callable[[Any, Catalog], Struct]
    found_by: tuple[str, ...] = ()

    def is_search(self, query: HistoryQuery) -> bool:
        """Whether no index leads to the rows that are wanted: it may be a long way to a page."""
        leading = self.table.primary_key.columns.keys()[:2]
        others = (name for name in (*self.filters, "statuses") if name not in leading)
        return not self._is_few(query) and any(getattr(query, name) for name in others)

    def select(self) -> sa.Select[Any]:
        """Return a SELECT of whole rows."""
        return select_orders() if self.table is orders else sa.select(self.table)

    @property
    def kinds(self) -> tuple[type, ...]:
        """The types of a place."""
        return tuple(self.table.c[key].type.python_type for key in self.keys)

    def place(self, row: Any) -> Place:
        """Return where a row is."""
        return tuple(getattr(row, key) for key in self.keys)

    def conditions(self, query: HistoryQuery) -> list[Condition]:
        """Return what the rows are like that are asked for."""
        columns = self.table.c
        found: list[Condition] = []
        if self.route.is_private:
            is_sought = not self._is_few(query) or "account_id" in self.found_by
            account = columns.account_id if is_sought else columns.account_id + 0
            found.append(account == query.account_id)
        for name in self.filters:
            if value := getattr(query, name):
                found.append(columns[name] == value)
        if query.client_order_id:
            found.append(HAS_CLIENT_ORDER_ID)  # What the index is of.
        if query.statuses and "status" in columns:
            found.append(columns.status.in_(query.statuses))
        if query.before:
            found += _below(query.market, query.before)
        time = self._order(query)[0]
        if query.from_ns:
            found.append(time >= query.from_ns)
        if query.to_ns:
            found.append(time < query.to_ns)
        return found

    def behind(self, query: HistoryQuery, place: Place) -> list[Condition]:
        """Return what the rows behind a place are like."""
        order = self._order(query)
        pairs = zip(order, place, strict=True)
        values = [sa.literal(value, column.type) for column, value in pairs]
        # The first is implied, and tells a database which partitions it need not look at.
        return [order[0] <= values[0], sa.tuple_(*order) < sa.tuple_(*values)]

    def newest_first(self, query: HistoryQuery) -> list[sa.ColumnElement[Any]]:
        """Return what the rows are in order of."""
        return [column.desc() for column in self._order(query)]

    def _order(self, query: HistoryQuery) -> list[sa.ColumnElement[Any]]:
        # Few rows are fetched by their own index and sorted: an expression is in no index, so no
        # database looks for them along the order of time, which may be long.
        first, *others = (self.table.c[key] for key in self.keys)
        return [first + 0 if self._is_few(query) else first, *others]

    def _is_few(self, query: HistoryQuery) -> bool:
        return bool(self.found_by) and bool(getattr(query, self.found_by[-1]))


def select_orders() -> sa.Select[Any]:
    """Return a SELECT of orders, each with `child_order_id`, the one that waits for it, or null.

    That one is placed with it, and has the number after it.
    """
    waiting = orders.alias("waiting")
    child = sa.select(waiting.c.order_id).where(
        waiting.c.order_id == orders.c.order_id + 1,
        waiting.c.placed_at_ns == orders.c.placed_at_ns,
        waiting.c.parent_order_id == orders.c.order_id,
    )
    return sa.select(orders, child.scalar_subquery().label("child_order_id"))


def _below(market: str, trade_id: int) -> list[Condition]:
    other = trades.alias("below")
    newest_ns = (
        sa.select(other.c.at_ns)
        .where(other.c.market == market, other.c.trade_id < trade_id)
        .order_by(other.c.trade_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # The second is implied, and leads by the trades' times to where the page begins.
    return [trades.c.trade_id < trade_id, trades.c.at_ns <= newest_ns]


LISTINGS = {
    listing.route.path: listing
    for listing in (
        Listing(TRADES, trades, ("at_ns", "trade_id"), ("market",), TradeView, views.trade),
        Listing(
            ORDERS,
            orders,
            ("placed_at_ns", "order_id"),
            ("market", "side", "type", "client_order_id"),
            OrderRecord,
            views.order,
            ("account_id", "client_order_id"),
        ),
        Listing(
            FILLS,
            fills,
            ("at_ns", "sequence", "role"),
            ("market", "side", "role", "order_id"),
            FillRecord,
            views.fill,
            ("order_id",),
        ),
        Listing(
            LEDGER,
            ledger,
            ("at_ns", "sequence", "leg"),
            ("asset", "cause", "market", "order_id"),
            LedgerLine,
            views.ledger_line,
        ),
        Listing(
            REJECTIONS,
            rejections,
            ("at_ns", "sequence"),
            ("market",),
            RejectionView,
            views.rejection,
        ),
    )
}
