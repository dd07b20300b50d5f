"""Writes plans to PostgreSQL: COPY for what is new, and for what changes COPY and one statement.

The rule of this file: all in one transaction, which holds the cursor's table from its first moment,
so that writers come one after the other; readers wait for nobody.
"""

from typing import Any

from history.projection.rows import CursorRow
from history.sql import partitions
from history.sql.database import HistoryDatabase
from history.sql.plan import Part, Plan, is_written
from history.sql.tables import METADATA, cursor


async def write_to_postgres(database: HistoryDatabase, plan: Plan) -> None:
    """Write a plan as one transaction; raises CursorMoved and DatabaseError."""
    made: set[tuple[str, int]] = set()
    try:
        async with database.writing() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None, "a connection that was given has a driver's behind it"
            if await _carry_out(driver, plan, database.months, made):
                return
    except BaseException:
        # Somebody may have dropped what we took to be there.
        database.months.clear()
        raise
    database.months |= made


async def _carry_out(
    driver: Any, plan: Plan, known: set[tuple[str, int]], made: set[tuple[str, int]]
) -> bool:
    await driver.execute("LOCK TABLE cursor IN SHARE ROW EXCLUSIVE MODE")
    found = await driver.fetchrow("SELECT sequence, n, at_ns, batch_digest FROM cursor")
    if is_written(plan, CursorRow(*found) if found is not None else None):
        return True
    made |= await partitions.ensure(driver, partitions.needed(plan) - known)
    for part in plan.parts:
        if part.changes:
            await _merge(driver, part)
        else:
            await driver.copy_records_to_table(part.table, records=part.rows)
    await driver.execute("DELETE FROM cursor")
    await driver.copy_records_to_table(cursor.name, records=[plan.cursor])
    return False


async def _merge(driver: Any, part: Part) -> None:
    table = METADATA.tables[part.table]
    key = ", ".join(column.name for column in table.primary_key)
    changes = ", ".join(f"{name} = excluded.{name}" for name in part.changes)
    # Made once for a connection: a table of its own, that a commit leaves empty.
    await driver.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{part.table} (LIKE {part.table}) "
        "ON COMMIT DELETE ROWS"
    )
    await driver.copy_records_to_table(f"new_{part.table}", records=part.rows)
    await driver.execute(
        f"INSERT INTO {part.table} SELECT * FROM new_{part.table} "
        f"ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )
