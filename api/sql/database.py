"""The users' database: SQLite in RIALTO_HOME, or whatever the settings' URL names.

The rule of this file: it opens the database and brings it to the present form, one process at a
time; what is in the tables is the business of `api.identity.users` and `api.money.deposits`.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from api.sql.guarded import SQL_TIMEOUT_S, GuardedEngine
from shared.home import secrets_dir, users_database

BUSY_TIMEOUT_S = 1.5  # Another process writes for milliseconds; longer than this is trouble.
assert BUSY_TIMEOUT_S < SQL_TIMEOUT_S, "a thread that waits for SQLite cannot be called off"
POOL_SIZE_MAX = 4  # Users are looked up at login only.
POOL_WAIT_MAX_S = 2.0  # For a connection of the pool; then the users are not available.
SERVER_TIMEOUT_S = 5.0  # For a PostgreSQL to let us in, and for each statement.
MIGRATION_LOCK = 0x7269616C746F  # Any number that no other program locks; this spells our name.


class DatabaseError(Exception):
    """The users' database cannot be opened; the message is one sentence for the operator."""


def database_url(home: Path, configured: str) -> str:
    """Return the URL of the users' database with a driver that works on the event loop."""
    if not configured:
        return f"sqlite+aiosqlite:///{users_database(home)}"
    scheme, rest = configured.partition("://")[::2]
    driver = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    return f"{driver.get(scheme, scheme)}://{rest}"


async def open_database(home: Path, configured_url: str) -> GuardedEngine:
    """Return the database, migrated to the present form; raises DatabaseError."""
    try:
        engine = _create(database_url(home, configured_url))
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise DatabaseError(f"The database URL cannot be used: {error}") from error
    try:
        with await asyncio.to_thread(_migration_lock, home):
            async with engine.begin() as connection:
                await _hold_migrations(connection)
                await connection.run_sync(_migrate)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        await engine.dispose()
        raise DatabaseError(f"The users' database cannot be opened: {error}") from error
    return GuardedEngine(engine)


def _create(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(
            url,
            connect_args={"timeout": SERVER_TIMEOUT_S, "command_timeout": SERVER_TIMEOUT_S},
            pool_size=POOL_SIZE_MAX,
            max_overflow=0,
            pool_timeout=POOL_WAIT_MAX_S,
            pool_pre_ping=True,  # A server that was started anew is no error.
            hide_parameters=True,
        )
    engine = create_async_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=POOL_SIZE_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_MAX_S,
        hide_parameters=True,  # A password's hash belongs in no log.
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # A registered user is still there after a power cut.
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


async def _hold_migrations(connection: AsyncConnection) -> None:
    """Gateways at different homes share a server but no file: there, one migrates at a time too."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def _migration_lock(home: Path) -> contextlib.AbstractContextManager[None]:
    for folder in (home, secrets_dir(home)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = secrets_dir(home) / "users.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _closing(descriptor)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _migrate(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
