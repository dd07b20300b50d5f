"""What a batch is to a database: tables, the rows that are new, and those that may be there.

The rule of this file: pure, and the same for every database. Rows are market by market, account by
account, and of each in the order in which it happened: so an index is grown leaf by leaf, with most
keys that begin with an account in the order of the index. That saves a database half its time.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from history.projection.batch import Batch
from history.projection.rows import CursorRow, OrderRow
from history.sql.tables import METADATA, ORDER_CHANGES

R = TypeVar("R", bound=tuple[Any, ...])


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
        Part("trades", _by("trades", "market", batch.trades)),
        Part("fills", _by("fills", "account_id", batch.fills)),
        Part("orders", new),
        Part("orders", known, ORDER_CHANGES),
        Part("order_changes", batch.order_changes),
        Part("ledger", _by("ledger", "account_id", batch.ledger)),
        Part("deposits", batch.deposits),
        Part("rejections", batch.rejections),
        Part("venue_events", batch.venue_events),
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
    return _by("orders", "account_id", new), _by("orders", "order_id", known)


def _by(table: str, column: str, rows: Iterable[R]) -> list[R]:
    """What is alike stays as it happened. By one column that is soon done, by whole rows not."""
    at = METADATA.tables[table].columns.keys().index(column)
    return sorted(rows, key=itemgetter(at))


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
