"""The migrations arrive at what the tables say, whoever comes at the same time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from history.projection.living import LIVING
from history.sql.database import HistoryDatabase, open_history
from history.sql.migrating import downgrade
from history.sql.outside_tables import OUTSIDE
from history.sql.tables import IS_LIVING, METADATA, VERSION_TABLE
from tests.support.postgres import Postgres

BOTH: Any = [METADATA, OUTSIDE]  # It takes several; its signature does not say so.
# SQLite does not say what an index of an expression is made of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based"),
]


def _differences(connection: sa.Connection) -> list[tuple[object, ...]]:
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    context = MigrationContext.configure(connection, opts=options)
    found = compare_metadata(context, BOTH)
    of_server = connection.dialect.name == "postgresql"
    # The indexes by day are PostgreSQL's alone.
    return [one for one in found if of_server or not str(one[1].name).endswith("_by_day")]


def _keys(connection: sa.Connection) -> dict[str, list[str]]:
    inspector = sa.inspect(connection)
    names = METADATA.tables
    return {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in names}


async def test_the_migrations_arrive_at_the_tables(history_database: HistoryDatabase) -> None:
    async with history_database.writing() as connection:
        assert await connection.run_sync(_differences) == []
        keys = await connection.run_sync(_keys)
    for name, table in METADATA.tables.items():
        assert keys[name] == [column.name for column in table.primary_key], name


async def test_the_migrations_can_be_taken_back(history_database: HistoryDatabase) -> None:
    async with history_database.writing() as connection:
        await connection.run_sync(downgrade, "base")
        left = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert left == [VERSION_TABLE]


async def test_recorders_that_start_together_migrate_once(tmp_path: Path, history_url: str) -> None:
    opened = await asyncio.gather(*(open_history(tmp_path / "home", history_url) for _ in range(4)))
    for database in opened:
        async with database.writing() as connection:
            assert await connection.run_sync(_differences) == []
        await database.close()


async def test_recorders_of_different_homes_migrate_a_server_once(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.fresh()
    opened = await asyncio.gather(
        *(open_history(tmp_path / f"home-{number}", url) for number in range(4))
    )
    for database in opened:
        async with database.writing() as connection:
            assert await connection.run_sync(_differences) == []
        await database.close()


async def test_databases_of_one_process_are_migrated_at_the_same_time(
    tmp_path: Path, postgres: Postgres
) -> None:
    urls = ["", "", postgres.fresh(), postgres.fresh()]
    opened = await asyncio.gather(
        *(open_history(tmp_path / f"home-{number}", url) for number, url in enumerate(urls))
    )
    for database in opened:
        async with database.writing() as connection:
            assert await connection.run_sync(_differences) == []
        await database.close()


async def test_the_history_has_a_schema_of_its_own(tmp_path: Path, postgres: Postgres) -> None:
    database = await open_history(tmp_path / "home", postgres.fresh())
    async with database.writing() as connection:
        names = sa.text("SELECT schemaname FROM pg_tables WHERE tablename IN ('trades', :version)")
        found = await connection.execute(names, {"version": VERSION_TABLE})
        assert found.scalars().all() == ["history", "history"]
    await database.close()


def test_the_index_of_living_orders_is_of_those_that_live() -> None:
    assert IS_LIVING.text == f"status IN ({', '.join(repr(str(s)) for s in sorted(LIVING))})"
