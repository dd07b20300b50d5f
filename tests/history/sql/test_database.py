"""Opening, reading and writing: one moment at a time, in bounded time, and said when it is away."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.sql.database import (
    DatabaseAway,
    DatabaseError,
    HistoryDatabase,
    history_url,
    open_history,
)
from history.sql.tables import METADATA, assets
from shared.settings import Settings

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


async def _add(connection: AsyncConnection, name: str) -> None:
    await connection.execute(assets.insert().values(asset=name, scale=8, created_at_ns=1))


async def _names(connection: AsyncConnection) -> Sequence[Any]:
    return (await connection.execute(sa.select(assets.c.asset))).scalars().all()


async def test_every_table_is_there_and_empty(history_database: HistoryDatabase) -> None:
    async with history_database.reading() as connection:
        for table in METADATA.sorted_tables:
            found = await connection.execute(sa.select(table))
            assert found.all() == []


async def test_what_was_written_is_read(history_database: HistoryDatabase) -> None:
    async with history_database.writing() as connection:
        await _add(connection, "BTC")
    async with history_database.reading() as connection:
        assert (await connection.execute(sa.select(assets))).all() == [("BTC", 8, 1)]


async def test_what_ends_with_an_error_was_never_written(history_database: HistoryDatabase) -> None:
    async def fail() -> None:
        async with history_database.writing() as connection:
            await _add(connection, "BTC")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    async with history_database.reading() as connection:
        assert await _names(connection) == []


async def test_a_reading_is_of_one_moment(history_database: HistoryDatabase) -> None:
    async with history_database.reading() as reading:
        assert await _names(reading) == []
        async with history_database.writing() as connection:
            await _add(connection, "BTC")
        assert await _names(reading) == []
    async with history_database.reading() as reading:
        assert await _names(reading) == ["BTC"]


async def test_a_reading_writes_nothing(history_database: HistoryDatabase) -> None:
    with pytest.raises(DatabaseError):
        async with history_database.reading() as connection:
            await _add(connection, "BTC")


async def test_a_statement_without_end_is_ended(history_database: HistoryDatabase) -> None:
    with pytest.raises(DatabaseAway, match="cannot be read now"):
        async with history_database.reading(limit_s=0.2) as connection:
            await connection.exec_driver_sql(ENDLESS[history_database.dialect])
    async with history_database.reading() as connection:
        assert await _names(connection) == []


async def test_who_writes_waits_for_who_wrote_before(history_database: HistoryDatabase) -> None:
    async def add(name: str) -> None:
        async with history_database.writing() as connection:
            if history_database.dialect == "postgresql":
                await connection.exec_driver_sql("LOCK TABLE assets IN EXCLUSIVE MODE")
            names = await _names(connection)
            await asyncio.sleep(0)
            await _add(connection, f"{name}{len(names)}")

    await asyncio.gather(add("A"), add("B"))
    async with history_database.reading() as connection:
        names = await _names(connection)
    assert {name[1] for name in names} == {"0", "1"}


async def test_what_is_no_database_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"something else" * 100)
    with pytest.raises(DatabaseError, match="cannot be opened: file is not"):
        await open_history(tmp_path, "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://rialto@/nothing?host=/no/such/folder",
        "postgres://rialto@127.0.0.1:9/nothing",
    ],
)
async def test_a_server_that_cannot_be_reached_is_away(tmp_path: Path, url: str) -> None:
    with pytest.raises(DatabaseAway, match="The history's database cannot be opened"):
        await open_history(tmp_path, url)


async def test_a_url_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be used"):
        await open_history(tmp_path, "oracle://somewhere")


async def test_a_file_that_somebody_else_holds_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("history.sql.engines.BUSY_TIMEOUT_S", 0.05)
    database = await open_history(tmp_path, "")
    other = sqlite3.connect(tmp_path / "history.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseAway, match="cannot be written now"):
        async with database.writing() as connection:
            await _add(connection, "BTC")
    other.close()
    async with database.writing() as connection:
        await _add(connection, "BTC")
    await database.close()


def test_the_history_lies_with_the_users_unless_it_is_said_where() -> None:
    assert history_url(Settings()) == ""
    assert history_url(Settings(database_url="postgresql://a")) == "postgresql://a"
    both = Settings(database_url="postgresql://a", history_database_url="postgresql://b")
    assert history_url(both) == "postgresql://b"
