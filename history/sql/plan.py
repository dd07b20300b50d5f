"""What a batch is to a database: tables, the rows that are new, and those that may be there.

The rule of this file: pure, and the same for every database. Rows are in the order of their keys,
by which an index is grown leaf by leaf.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from history.projection.batch import Batch
from history.projection.rows import CursorRow, OrderRow
from history.sql.tables import METADATA, ORDER_CHANGES


class CursorMoved(Exception):
    """The history is not where the batch begins: somebody else has written to it."""


class Part(NamedTuple):
    """Rows of one table; `changes` are the columns of a row that may be there already."""

    table: str
    rows: Sequence[tuple[Any, ...]]
    changes: tuple[str, ...] = ()


class Plan(NamedTuple):
    """A batch as it is written."""

    parts: list[Part]
    cursor: CursorRow
    expected: CursorRow | None


def planned(batch: Batch, cursor: CursorRow, expected: CursorRow | None) -> Plan:
    """Return how a batch between two cursors is written."""
    new, known = _orders_of(batch, expected)
    parts = [
        Part("trades", sorted(batch.trades)),
        Part("fills", sorted(batch.fills)),
        Part("orders", new),
        Part("orders", known, ORDER_CHANGES),
        Part("order_changes", sorted(batch.order_changes)),
        Part("ledger", sorted(batch.ledger)),
        Part("deposits", list(batch.deposits)),
        Part("rejections", list(batch.rejections)),
        Part("venue_events", list(batch.venue_events)),
        _whole("candles", batch.candles),
        _whole("withdrawals", batch.withdrawals.values()),
        _whole("markets", batch.markets.values()),
        _whole("assets", batch.assets.values()),
    ]
    plan = Plan([part for part in parts if part.rows], cursor, expected)
    assert cursor != expected or not plan.parts, "rows come with the cursor that stands for them"
    return plan


def _orders_of(batch: Batch, expected: CursorRow | None) -> tuple[list[OrderRow], list[OrderRow]]:
    """Those that were placed after the cursor cannot be there; the others are, or were dropped."""
    last_n = expected.n if expected is not None else -1
    new: list[OrderRow] = []
    known: list[OrderRow] = []
    for row in batch.orders.values():
        (new if row.placed_n > last_n else known).append(row)
    return sorted(new), sorted(known)


def _whole(table: str, rows: Iterable[tuple[Any, ...]]) -> Part:
    columns = METADATA.tables[table].columns
    changes = tuple(column.name for column in columns if not column.primary_key)
    return Part(table, sorted(rows), changes)


def is_written(plan: Plan, stored: CursorRow | None) -> bool:
    """Whether a batch is there already, by the stored cursor; raises CursorMoved."""
    if stored == plan.cursor:
        return True
    if stored != plan.expected:
        raise CursorMoved(f"The history is at {stored} and the batch begins after {plan.expected}.")
    return False
