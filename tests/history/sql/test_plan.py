"""What of a batch is new and what may be there, and which columns of an order change."""

from typing import get_type_hints

from history.projection.batch import Batch
from history.projection.living import Living
from history.projection.rows import CursorRow, OrderRow
from history.sql.plan import planned
from history.sql.tables import METADATA, ORDER_CHANGES

_FIELDS = get_type_hints(OrderRow)
ORDER = OrderRow(**{name: kind() for name, kind in _FIELDS.items()})


def test_the_columns_of_an_order_that_change_are_all_that_a_living_one_changes() -> None:
    living = Living(ORDER)
    for name in living.__slots__:
        if name != "first":
            setattr(living, name, "changed")
    changed = {name for name, value in living.row()._asdict().items() if value == "changed"}
    assert changed == set(ORDER_CHANGES)


def test_an_order_that_was_placed_before_the_batch_may_be_there() -> None:
    rows = [ORDER._replace(order_id=number, placed_n=number) for number in (9, 5, 6)]
    batch = Batch(orders={row.order_id: row for row in rows})
    new, known = planned(batch, CursorRow(2, 9, 2, ""), CursorRow(1, 5, 1, "")).parts
    assert ([row[0] for row in new.rows], new.changes) == ([6, 9], ())
    assert ([row[0] for row in known.rows], known.changes) == ([5], ORDER_CHANGES)


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
