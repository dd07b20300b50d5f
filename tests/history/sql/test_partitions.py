"""Months: where they begin, what they are called, and when they are made."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase, open_history
from history.sql.partitions import DAY_NS, begin_of, month_of, name_of
from history.sql.tables import MONTHLY
from history.sql.wide import INT64_MAX
from history.sql.writer import write
from tests.support.postgres import Postgres

SECOND_NS = 10**9
PARTITIONS = sa.text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = to_regclass(:table) ORDER BY child.relname"
)


async def partitions_of(database: HistoryDatabase, table: str) -> list[str]:
    async with database.reading() as connection:
        return list(await connection.scalars(PARTITIONS, {"table": table}))


@pytest.mark.parametrize("date", ["1970-01-01", "1999-12-31", "2024-02-29", "2026-03-01"])
def test_a_month_begins_on_its_first_day_at_midnight(date: str) -> None:
    moment = datetime.fromisoformat(date).replace(tzinfo=UTC)
    month = month_of(int(moment.timestamp()) // 86_400)
    first = moment.replace(day=1)
    assert begin_of(month) == int(first.timestamp()) * SECOND_NS
    assert name_of("trades", month) == f"trades_{moment:%Y_%m}"


def test_months_follow_each_other_without_a_gap() -> None:
    day = 0
    for month in range(12 * 60):
        assert begin_of(month) == day * DAY_NS
        while month_of(day) == month:
            day += 1


def test_the_last_month_ends_with_time_itself() -> None:
    assert begin_of(month_of(INT64_MAX // DAY_NS) + 1) == INT64_MAX


async def test_the_next_month_is_there_before_it_begins(tmp_path: Path, postgres: Postgres) -> None:
    database = await open_history(tmp_path, postgres.fresh())
    at_ns = begin_of(674) - 1
    await write(database, Batch(), CursorRow(1, 1, at_ns, ""), None)
    for table in MONTHLY:
        wanted = [name_of(table, 673), name_of(table, 674)]
        assert await partitions_of(database, table) == wanted
    await database.close()


async def test_behind_the_last_month_there_is_none(tmp_path: Path, postgres: Postgres) -> None:
    database = await open_history(tmp_path, postgres.fresh())
    await write(database, Batch(), CursorRow(1, 1, INT64_MAX, ""), None)
    last = month_of(INT64_MAX // DAY_NS)
    assert await partitions_of(database, "trades") == [name_of("trades", last)]
    await database.close()
