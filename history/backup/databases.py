"""The SQL databases of a backup: users and history, each as it was at the instant.

The rule of this file: a snapshot is begun within the instant and copied after it; nobody who writes
waits for the copy. SQLite: a read transaction and the online backup; PostgreSQL: an exported
snapshot and pg_dump.
"""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from history.backup.errors import BackupError
from history.backup.files import create

BUSY_TIMEOUT_S = 5.0  # Beginning to read waits for nobody in WAL mode.
PAGES_AT_ONCE = 4_096  # 16 MB: between two of them Ctrl-C is heard.
HOW_TO_DUMP = (
    "pg_dump is not here, which copies {name}: install PostgreSQL's client programs, or leave it "
    "out with --without-postgresql and run `pg_dump --format=custom` yourself at the same time."
)


class Database(Protocol):
    """One database; `kind` is what the manifest says of it."""

    kind: str

    async def open(self) -> None:
        """Connect, before the instant."""

    async def begin(self) -> None:
        """Begin a snapshot, anew if there is one."""

    async def copy(self, folder: Path) -> None:
        """Copy the snapshot into the folder, onto disk."""

    async def close(self) -> None:
        """End the snapshot."""


class NoDatabase:
    """What was never made, or is left out."""

    kind = ""

    async def open(self) -> None: ...

    async def begin(self) -> None: ...

    async def copy(self, folder: Path) -> None: ...

    async def close(self) -> None: ...


class SqliteDatabase:
    """A SQLite file; copied under its own name, or another."""

    kind = "sqlite"

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self._name = name or path.name
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection = connection
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    async def begin(self) -> None:
        assert self._connection is not None, "open it first"
        if self._connection.in_transaction:
            self._connection.rollback()
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    async def copy(self, folder: Path) -> None:
        await asyncio.to_thread(self._copy, folder / self._name)

    def _copy(self, path: Path) -> None:
        assert self._connection is not None, "begin first"
        create(path).close()  # For its owner only, before there is anything in it.
        with contextlib.closing(sqlite3.connect(path)) as target:
            self._connection.backup(target, pages=PAGES_AT_ONCE)
            # A file that needs no others beside it, wherever it is copied to.
            target.execute("PRAGMA journal_mode=DELETE")
        with path.open("rb") as file:
            os.fsync(file.fileno())

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresDatabase:
    """A PostgreSQL database, by pg_dump, as `<name>.dump`; `schema` alone if it is named."""

    kind = "postgresql"

    def __init__(self, url: str, name: str, *, schema: str = "") -> None:
        self._url = sa.make_url(url)
        self._name = name
        self._schema = schema
        self._program = shutil.which("pg_dump")
        if self._program is None:
            raise BackupError(HOW_TO_DUMP.format(name=name))
        self._engine = create_async_engine(self._url.set(drivername="postgresql+asyncpg"))
        self._connection: AsyncConnection | None = None
        self._snapshot = ""

    async def open(self) -> None:
        self._connection = await self._engine.connect()
        await self._connection.execution_options(isolation_level="REPEATABLE READ")

    async def begin(self) -> None:
        assert self._connection is not None, "open it first"
        await self._connection.rollback()
        answer: Any = await self._connection.scalar(sa.text("SELECT pg_export_snapshot()"))
        self._snapshot = str(answer)

    async def copy(self, folder: Path) -> None:
        path = folder / f"{self._name}.dump"
        done = await asyncio.to_thread(self._dump, path)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise BackupError(f"pg_dump did not copy {self._name} ({' '.join(reason)}).")
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def _dump(self, path: Path) -> subprocess.CompletedProcess[bytes]:
        # The password goes by the environment: others on the machine see the words of a command.
        url = self._url.set(drivername="postgresql", password=None)
        words = [
            str(self._program),
            "--format=custom",
            "--no-owner",
            f"--snapshot={self._snapshot}",
            f"--dbname={url.render_as_string(hide_password=False)}",
            *([f"--schema={self._schema}"] if self._schema else []),
        ]
        password = {"PGPASSWORD": self._url.password} if self._url.password else {}
        with create(path) as file:
            return subprocess.run(
                words,
                stdout=file,
                stderr=subprocess.PIPE,
                env={**os.environ, **password},
                check=False,
            )

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        await self._engine.dispose()


@dataclass(frozen=True)
class Databases:
    """The two that there may be."""

    users: Database
    history: Database

    def __iter__(self) -> Iterator[Database]:
        return iter((self.users, self.history))

    async def begin(self) -> None:
        for database in self:
            await database.begin()


def sqlite_if_there(path: Path, name: str = "") -> Database:
    """Return the database in a file; one that was never made is none."""
    return SqliteDatabase(path, name) if path.is_file() else NoDatabase()


def history_sequence(path: Path) -> int | None:
    """Return how far the history in a copied SQLite file is, None if it never wrote."""
    if not path.is_file():
        return None
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        try:
            row = db.execute("SELECT max(sequence) FROM cursor").fetchone()
        except sqlite3.OperationalError:  # Made, and not migrated yet.
            return None
    return None if row is None or row[0] is None else int(row[0])
