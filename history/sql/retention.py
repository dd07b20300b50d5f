"""Lets go of what is old: whole months of PostgreSQL, bounded pages of SQLite.

The rule of this file: an order that is not at its end stays, however old it is; and nothing that is
written or read meanwhile waits for longer than a page takes.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.sql.database import HistoryDatabase
from history.sql.partitions import begin_of, month_named, name_of
from history.sql.tables import IS_AT_ITS_END, IS_LIVING, METADATA, MONTHLY

PAGE_ROWS = 10_000  # Read at once, and of them the old ones deleted at once: tens of milliseconds.


async def drop_before(database: HistoryDatabase, table: str, before_ns: int) -> int:
    """Let go of the rows of a table of MONTHLY from before `before_ns`; return how many.

    On PostgreSQL a month goes as a whole, and not before it has passed whole. Raises DatabaseError;
    what was let go of until then is gone.
    """
    if database.dialect == "postgresql":
        return await _drop_months(database, table, before_ns)
    return await _delete_pages(database, METADATA.tables[table], before_ns)


async def months_of(connection: AsyncConnection, table: str) -> list[int]:
    """Return the months that PostgreSQL has of a table, oldest first."""
    found = await connection.execute(
        sa.text(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = to_regclass(:table)"
        ),
        {"table": table},
    )
    return sorted(month_named(name) for name in found.scalars())


async def _drop_months(database: HistoryDatabase, table: str, before_ns: int) -> int:
    async with database.reading() as connection:
        months = await months_of(connection, table)
    dropped = 0
    for month in months:
        if begin_of(month + 1) <= before_ns:
            async with database.writing() as connection:
                dropped += await _drop_month(connection, table, month)
            database.months.discard((table, month))
    return dropped


async def _drop_month(connection: AsyncConnection, table: str, month: int) -> int:
    partition = sa.table(name_of(table, month))
    rows = sa.select(sa.func.count()).select_from(partition)
    count = (await connection.execute(rows)).scalar_one()
    if table == "orders":
        living = (await connection.execute(rows.where(IS_LIVING))).scalar_one()
        if living:
            await connection.execute(sa.delete(partition).where(IS_AT_ITS_END))
            return count - living
    await connection.exec_driver_sql(f"DROP TABLE {partition.name}")
    return count


async def _delete_pages(database: HistoryDatabase, table: sa.Table, before_ns: int) -> int:
    key = sa.tuple_(*table.primary_key)
    is_old: sa.ColumnElement[bool] = table.c[MONTHLY[table.name]] < before_ns
    if table.name == "orders":
        is_old = sa.and_(is_old, IS_AT_ITS_END)
    page = sa.select(*table.primary_key, is_old.label("is_old")).order_by(*table.primary_key)
    deleted, behind = 0, page
    while True:
        async with database.reading() as connection:
            found = (await connection.execute(behind.limit(PAGE_ROWS))).all()
        old = [tuple(row)[:-1] for row in found if row[-1]]
        if old:
            # Rows of a key never come back to life, but an order's row may not be old any more.
            async with database.writing() as connection:
                ours = key.between(sa.tuple_(*old[0]), sa.tuple_(*old[-1]))
                done = await connection.execute(sa.delete(table).where(ours, is_old))
                deleted += done.rowcount
        if len(found) < PAGE_ROWS:
            return deleted
        behind = page.where(key > sa.tuple_(*tuple(found[-1])[:-1]))
