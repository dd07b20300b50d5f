"""Bringing the history's database to the present form, one process at a time.

The rule of this file: under a lock, in the home for SQLite and in the server for PostgreSQL, whose
programs may share no folder and may write to none. A process that comes second finds nothing left
to do. Within a process there is one migration at a time, whatever database it is of.
"""

import asyncio
import contextlib
import fcntl
import functools
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from history.sql.tables import SCHEMA
from shared.home import history_lock

MIGRATION_LOCK = 0x7269616C_68697374  # Any number that no other program locks; spells our name.
TURN_S = 0.01  # A migration takes some tenths of a second.


async def migrate(engine: AsyncEngine, home: Path) -> None:
    """Migrate; raises the errors of the driver, and OSError."""
    if engine.dialect.name == "postgresql":
        await _make_schema(engine)
        await _upgrade(engine)
        return
    with await asyncio.to_thread(_locked, history_lock(home)):
        await _upgrade(engine)


async def _upgrade(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await _hold(connection)
        async with _alone():
            await connection.run_sync(upgrade)


@functools.cache
def _alembic() -> threading.Lock:
    return threading.Lock()


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    # Alembic keeps the migration that runs in variables of its modules: a second one beside it, of
    # another database, would go on with the connection of the first.
    while not _alembic().acquire(blocking=False):  # noqa: ASYNC110 - on any loop of the process.
        await asyncio.sleep(TURN_S)
    try:
        yield
    finally:
        _alembic().release()


async def _make_schema(engine: AsyncEngine) -> None:
    named = {"name": SCHEMA}
    async with engine.begin() as connection:
        await _hold(connection)
        # It may have been made by an operator, for a user that may make none.
        found = await connection.execute(
            sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), named
        )
        if found.first() is None:
            await connection.execute(sa.schema.CreateSchema(SCHEMA))
    # What an engine has found out about a server was without it.
    await engine.dispose()
    engine.dialect.default_schema_name = SCHEMA


async def _hold(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def _locked(path: Path) -> contextlib.AbstractContextManager[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _closing(descriptor)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Bring a database to a form, in the transaction of the connection."""
    command.upgrade(_config(connection), revision)


def downgrade(connection: sa.Connection, revision: str) -> None:
    """Bring a database back to an earlier form, in the transaction of the connection."""
    command.downgrade(_config(connection), revision)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
