"""Reports of a history that has let go of its old rows: what is told still holds."""

from pathlib import Path

import sqlalchemy as sa

from history.parquet.days import begin_ns
from history.parquet.manifests import retired_before
from history.parquet.retiring import retire
from history.parquet.writing import write_days
from history.projection.living import LIVING
from history.reports.catalogue import REPORTS
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from history.sql.tables import trades
from tests.history.reports.days import RecordedDay
from tests.history.reports.reading import report


async def retired(history: HistoryDatabase, folder: Path) -> int:
    """Let go of what is old; return since when everything is there."""
    await write_days(history, folder)
    assert (await retire(history, folder, 1)).rows
    return begin_ns(retired_before(folder))


async def test_no_report_calls_it_a_fault_that_old_rows_have_left(
    history: HistoryDatabase, day: RecordedDay, tmp_path: Path
) -> None:
    since_ns = await retired(history, tmp_path)
    for name in REPORTS.keys() - {"order"}:
        kept = await report(history, name, kept_from_ns=since_ns)
        assert not kept.faults, name


async def test_the_trail_of_an_order_that_has_outlived_its_days_is_no_fault(
    history: HistoryDatabase, day: RecordedDay, tmp_path: Path
) -> None:
    since_ns = await retired(history, tmp_path)
    orders = day.rows.orders.values()
    there = [row for row in orders if row.status in LIVING or row.updated_at_ns >= since_ns]
    for row in sorted(there, key=lambda row: -row.filled_lots)[:10]:
        kept = await report(history, "order", Scope(order_id=row.order_id), kept_from_ns=since_ns)
        assert not kept.faults
        assert kept.outcome is not None
        is_old = row.placed_at_ns < since_ns
        assert any("has left the database" in note for note in kept.outcome.notes) is is_old


async def test_a_trail_is_told_while_its_trades_leave_and_a_missing_one_is_a_fault(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    fill = max(day.rows.fills, key=lambda fill: fill.sequence)
    async with history.writing() as connection:
        await connection.execute(sa.delete(trades).where(trades.c.trade_id == fill.trade_id))
    scope = Scope(order_id=fill.order_id)
    kept = await report(history, "order", scope)
    assert any(f"Trade {fill.trade_id} is not" in fault for fault in kept.faults)
    assert not (await report(history, "order", scope, kept_from_ns=fill.at_ns + 1)).faults


async def test_positions_say_that_older_fills_are_in_none_of_them(
    history: HistoryDatabase, day: RecordedDay, tmp_path: Path
) -> None:
    since_ns = await retired(history, tmp_path)
    kept = await report(history, "positions", Scope(from_ns=since_ns), kept_from_ns=since_ns)
    assert kept.outcome is not None
    assert any("Fills before" in note for note in kept.outcome.notes)
    assert day.rows.fills
