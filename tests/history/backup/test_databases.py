"""A copy of a database is its snapshot: nothing that came after it began is there."""

import asyncio
import contextlib
import sqlite3
import subprocess
from pathlib import Path

import asyncpg
import pytest

from history.backup.backup import databases_of
from history.backup.databases import PostgresDatabase, SqliteDatabase, sqlite_if_there
from history.backup.errors import BackupError
from shared.settings import load_settings
from tests.support.postgres import Postgres

ROWS = 5_000


async def test_a_sqlite_copy_is_of_the_moment_at_which_it_began(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    (tmp_path / "copy").mkdir()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE seen (number INTEGER)")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO seen VALUES (?)", [(n,) for n in range(ROWS)])
        writer.execute("COMMIT")
        database = SqliteDatabase(path)
        await database.open()
        await database.begin()
        writer.execute("INSERT INTO seen VALUES (-1)")
        await database.begin()  # The first instant was none.
        copying = asyncio.create_task(database.copy(tmp_path / "copy"))
        writer.execute("INSERT INTO seen VALUES (-2)")  # It waits for nobody.
        await copying
        await database.close()
    assert [file.name for file in (tmp_path / "copy").iterdir()] == ["users.db"]
    with contextlib.closing(sqlite3.connect(tmp_path / "copy" / "users.db")) as copy:
        assert copy.execute("SELECT count(*), min(number) FROM seen").fetchone() == (ROWS + 1, -1)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_postgresql_dump_is_of_the_moment_at_which_it_began(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.fresh()
    writer = await asyncpg.connect(url)
    await writer.execute("CREATE TABLE seen (number BIGINT)")
    await writer.execute("INSERT INTO seen VALUES (1)")
    database = PostgresDatabase(url, "users")
    await database.open()
    await database.begin()
    await writer.execute("INSERT INTO seen VALUES (2)")
    await database.begin()
    await writer.execute("INSERT INTO seen VALUES (3)")
    await database.copy(tmp_path)
    await database.close()
    await writer.close()
    assert (tmp_path / "users.dump").stat().st_mode & 0o777 == 0o600
    other = postgres.fresh()
    argv = [str(postgres.binaries / "pg_restore"), f"--dbname={other}", f"{tmp_path}/users.dump"]
    await asyncio.to_thread(subprocess.run, argv, check=True, capture_output=True)
    reader = await asyncpg.connect(other)
    numbers = await reader.fetch("SELECT number FROM seen ORDER BY number")
    await reader.close()
    assert [row["number"] for row in numbers] == [1, 2]


def test_without_pg_dump_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackupError, match="pg_dump --format=custom"):
        PostgresDatabase("postgresql://somebody@nowhere/users", "users")


def test_what_was_never_made_is_none(tmp_path: Path) -> None:
    assert sqlite_if_there(tmp_path / "users.db").kind == ""


async def test_users_in_a_file_that_a_url_names_are_copied_beside_the_history(
    tmp_path: Path,
) -> None:
    (tmp_path / "copy").mkdir()
    users = tmp_path / "people.db"
    for path, number in ((users, 1), (tmp_path / "history.db", 2)):
        with contextlib.closing(sqlite3.connect(path)) as writer:
            writer.execute("CREATE TABLE seen AS SELECT ? AS number", (number,))
            writer.commit()
    settings = load_settings(
        {"home": str(tmp_path), "database_url": f"sqlite+aiosqlite:///{users}"}
    )
    for with_postgresql in (True, False):
        databases = databases_of(settings, with_postgresql=with_postgresql)
        assert [database.kind for database in databases] == ["sqlite", "sqlite"]
    for database in databases:
        await database.open()
        await database.begin()
        await database.copy(tmp_path / "copy")
        await database.close()
    for name, number in (("users.db", 1), ("history.db", 2)):
        with contextlib.closing(sqlite3.connect(tmp_path / "copy" / name)) as copy:
            assert copy.execute("SELECT number FROM seen").fetchone() == (number,)


def test_a_database_that_both_are_in_is_dumped_once() -> None:
    url = "postgresql://somebody@nowhere/rialto"
    both = databases_of(load_settings({"database_url": url}))
    assert (both.users.kind, both.history.kind) == ("postgresql", "postgresql")
    assert not isinstance(both.history, PostgresDatabase)
    other = databases_of(load_settings({"database_url": url, "history_database_url": f"{url}2"}))
    assert isinstance(other.history, PostgresDatabase)
    left = databases_of(load_settings({"database_url": url}), with_postgresql=False)
    assert (left.users.kind, left.history.kind) == ("", "")
