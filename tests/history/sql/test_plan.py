"""What of a batch is new and what may be there, and which columns of an order change."""

from random import Random
from typing import get_type_hints

from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow, OrderRow
from history.sql.plan import planned
from history.sql.tables import METADATA, ORDER_CHANGES
from tests.history.projection.days import RecordedDay

_FIELDS = get_type_hints(OrderRow)
ORDER = OrderRow(**{name: kind() for name, kind in _FIELDS.items()})


def test_the_columns_of_an_order_that_change_are_named(seed: int) -> None:
    # Given a day of all kinds of orders, recorded entry by entry.
    recording, known, changed = Recording(), dict[int, OrderRow](), set[str]()
    for told in RecordedDay(Random(seed)).told:
        recording.take(told.applied)
        for order_id, row in recording.finish().orders.items():
            pairs = zip(OrderRow._fields, known.get(order_id, row), row, strict=True)
            changed |= {name for name, before, after in pairs if before != after}
            known[order_id] = row
    # Then nothing else changes of an order that may be stored already.
    assert changed <= set(ORDER_CHANGES)
    assert {"filled_lots", "status", "updated_sequence"} <= changed, "something did change"


def test_an_order_that_was_placed_before_the_batch_may_be_there() -> None:
    rows = [ORDER._replace(order_id=number, placed_n=number) for number in (5, 6, 9)]
    batch = Batch(orders={row.order_id: row for row in rows})
    new, known = planned(batch, CursorRow(2, 9, 2, ""), CursorRow(1, 5, 1, "")).parts
    assert ([row[0] for row in new.rows], new.changes) == ([6, 9], ())
    assert ([row[0] for row in known.rows], known.changes) == ([5], ORDER_CHANGES)


def test_rows_are_account_by_account_and_of_each_as_it_happened(seed: int) -> None:
    # Given a day in one batch.
    recording, day = Recording(), RecordedDay(Random(seed))
    for told in day.told:
        recording.take(told.applied)
    batch = recording.finish()
    # When it is planned.
    plan = planned(batch, CursorRow(1 << 60, 1 << 60, 1 << 60, ""), None)
    # Then what is kept by account is in the order of account and event, and nothing is missing.
    parts = {part.table: part.rows for part in plan.parts}
    fills = sorted(batch.fills, key=lambda row: (row.account_id, row.sequence, row.role))
    lines = sorted(batch.ledger, key=lambda row: (row.account_id, row.sequence, row.leg))
    orders = sorted(batch.orders.values(), key=lambda row: (row.account_id, row.order_id))
    assert [parts[table] for table in ("fills", "ledger", "orders")] == [fills, lines, orders]


def test_every_list_and_table_of_a_batch_is_planned() -> None:
    batch = Batch()
    for name in batch.__dataclass_fields__:
        found = getattr(batch, name)
        row = tuple(range(30))
        if isinstance(found, dict):
            found[1] = ORDER if name == "orders" else row
        else:
            found.append(row)
    parts = planned(batch, CursorRow(2, 9, 2, ""), None).parts
    assert {part.table for part in parts} == set(METADATA.tables) - {"cursor"}
