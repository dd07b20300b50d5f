"""How the history is reached: a pool of connections that read, and one that writes.

The rule of this file: every setting of SQLite and PostgreSQL that we do not leave as it is stands
here, with its reason.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from history.sql.tables import SCHEMA

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
READERS_MAX = 4  # Connections, and for SQLite threads; more than two cores' worth of queries wait.
WRITERS_MAX = 2  # The recorder, and who keeps house beside it.
POOL_WAIT_MAX_S = 5.0
BUSY_TIMEOUT_S = 5.0  # Another process writes for a second at most.
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0  # For a server that says nothing at all; statements end themselves before.
LOCK_TIMEOUT_S = 5.0  # No statement of ours holds a lock for longer than a batch takes.
IDLE_TIMEOUT_S = 60.0  # A writer that stands still within a transaction must not keep its locks.

# Of a new file. Each batch changes the last page of every account in every index: with larger pages
# there are fewer of them, and with much larger ones more is written for each. Measured, a tenth.
PAGE_BYTES = 8 * 1024
PAGES_READ_KB = 16 * 1024  # Of each reading connection; the system's cache has the rest.
PAGES_WRITTEN_KB = 64 * 1024  # The edges of every index that a batch grows, and what it changes.
# The log is put into the database whenever it has so many pages (64 MB), by the writer,
# in a piece of work that is over within a second; and a log that had to grow because somebody read
# an old moment for long is cut back to twice that.
CHECKPOINT_PAGES = (64 << 20) // PAGE_BYTES
LOG_BYTES_MAX = 128 << 20
# The file is not mapped into memory: that gained nothing that could be measured, and as much of the
# file as was ever touched counted as ours.
READING_PRAGMAS = (f"PRAGMA cache_size=-{PAGES_READ_KB}", "PRAGMA query_only=ON")
WRITING_PRAGMAS = (
    f"PRAGMA page_size={PAGE_BYTES}",  # Before anything that makes a new file.
    "PRAGMA journal_mode=WAL",
    # A power cut may take the last batches, never a part of one: they are read again.
    "PRAGMA synchronous=NORMAL",
    f"PRAGMA cache_size=-{PAGES_WRITTEN_KB}",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit={LOG_BYTES_MAX}",
)


def open_engines(
    configured_url: str, sqlite_file: Path, *, silence_s: float = 0
) -> tuple[AsyncEngine, AsyncEngine]:
    """Return what reads and what writes; raises ArgumentError for a URL of something else.

    `silence_s` is for how long a server may say nothing, COMMAND_TIMEOUT_S if it is 0.
    """
    if not configured_url or configured_url.startswith("sqlite"):
        url = f"sqlite+aiosqlite:///{sqlite_file}"
        return _sqlite(url, is_writing=False), _sqlite(url, is_writing=True)
    scheme, _, rest = configured_url.partition("://")
    if scheme not in SCHEMES:
        raise sa.exc.ArgumentError(f"it begins with none of {', '.join(SCHEMES)} and sqlite")
    url = f"postgresql+asyncpg://{rest}"
    silence_s = silence_s or COMMAND_TIMEOUT_S
    reading = _postgresql(url, READERS_MAX, silence_s).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    return reading, _postgresql(url, WRITERS_MAX, silence_s)


def _postgresql(url: str, pool_size: int, silence_s: float) -> AsyncEngine:
    settings = {
        "search_path": SCHEMA,
        "lock_timeout": _ms(LOCK_TIMEOUT_S),
        "idle_in_transaction_session_timeout": _ms(IDLE_TIMEOUT_S),
        # Else a server that dies goes back behind what it said is there, and we go on from it.
        "synchronous_commit": "on",
    }
    return create_async_engine(
        url,
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": silence_s,
            "server_settings": settings,
        },
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_MAX_S,
        pool_pre_ping=True,  # A server that was started anew is no error.
        hide_parameters=True,
    )


def _ms(seconds: float) -> str:
    return str(int(seconds * 1_000))


def _sqlite(url: str, *, is_writing: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=WRITERS_MAX if is_writing else READERS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_MAX_S,
        hide_parameters=True,
    )
    begin = "BEGIN IMMEDIATE" if is_writing else "BEGIN"
    prepare = _prepare_writing if is_writing else _prepare_reading
    sa.event.listen(engine.sync_engine, "connect", prepare)
    sa.event.listen(engine.sync_engine, "begin", _Begin(begin))
    return engine


class _Begin:
    """The driver does not begin: who writes has to have the lock before it reads the cursor."""

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def __call__(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(self._statement)


def _prepare_reading(connection: DBAPIConnection, _record: object) -> None:
    _prepare(connection, READING_PRAGMAS)


def _prepare_writing(connection: DBAPIConnection, _record: object) -> None:
    _prepare(connection, WRITING_PRAGMAS)


def _prepare(connection: Any, pragmas: tuple[str, ...]) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(pragma)
    cursor.close()
