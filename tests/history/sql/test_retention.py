"""What is old is let go of; what is not, and an order that still lives, stays."""

import random

import pytest

from history.projection.living import LIVING
from history.sql import retention
from history.sql.database import HistoryDatabase
from history.sql.partitions import DAY_NS, begin_of, month_of
from history.sql.retention import drop_before
from history.sql.tables import MONTHLY
from history.sql.writer import write
from tests.history.sql.batches import MARCH_2026_NS, History

MARCH_2026 = month_of(MARCH_2026_NS // DAY_NS)


async def test_months_that_have_passed_are_let_go_of(
    history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(retention, "PAGE_ROWS", 60)
    history = History(random.Random(seed))
    for _ in range(4):
        batch, cursor = history.next_batch()
        for number, order in enumerate(batch.orders.values()):
            status = "open" if number % 3 else "filled"
            batch.orders[order.order_id] = order._replace(status=status)
        await write(history_database, batch, cursor, history.cursor)
        history.take(batch, cursor)
    for before_ns in (begin_of(MARCH_2026 - 1), begin_of(MARCH_2026)):
        for table, time in MONTHLY.items():
            rows = history.stored[table]
            kept = {
                key: row
                for key, row in rows.items()
                if getattr(row, time) >= before_ns
                or (table == "orders" and getattr(row, "status", "") in LIVING)
            }
            history.stored[table] = kept
            gone = await drop_before(history_database, table, before_ns)
            assert gone == len(rows) - len(kept), table
            assert await drop_before(history_database, table, before_ns) == 0
        await history.compare(history_database)
    batch, cursor = history.next_batch()
    await write(history_database, batch, cursor, history.cursor)
    history.take(batch, cursor)
    await history.compare(history_database)
