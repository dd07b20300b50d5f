"""What can go wrong with a database, in two words that every caller understands.

The rule of this file: whatever a driver says leaves `history.sql` as one of these; what the caller
itself raises passes through as it is.
"""

import contextlib
import sqlite3
from collections.abc import Iterator

import asyncpg
import sqlalchemy as sa

# A row without a partition: its month was dropped by somebody else, and is made again.
_NO_PARTITION = "23514"
# Too many connections, a server that starts or stops, a lock or a statement that takes too long, a
# disk or memory that is full: the same may be well in a moment.
_AWAY_STATES = ("08", "40", "53", "55", "57", "58")
_AWAY_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
    }
)
_DRIVERS = (
    sa.exc.SQLAlchemyError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
    OverflowError,  # A number beyond 64 bits, of SQLite's driver.
)


class DatabaseError(Exception):
    """The history's database cannot do it; the message is one sentence for the operator."""


class DatabaseAway(DatabaseError):
    """It cannot do it now: nothing was done, and the same may go well in a moment."""


@contextlib.contextmanager
def clear_failures(what: str) -> Iterator[None]:
    """Turn what a driver raises within into a DatabaseError that begins with `what`."""
    try:
        yield
    except _DRIVERS as error:
        raise failure(what, error) from error


def failure(what: str, error: BaseException) -> DatabaseError:
    """Return a driver's error as ours."""
    kind = DatabaseAway if is_away(error) else DatabaseError
    return kind(f"{what}: {_cause(error) or type(error).__name__}")


def is_away(error: BaseException) -> bool:
    """Whether the same may go well in a moment."""
    while isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        if error.connection_invalidated:
            return True
        error = error.orig
    if isinstance(error, sqlite3.Error):
        # The primary code is in the lowest byte; an error of the module itself has none.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _AWAY_SQLITE
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(state, str):
        return state[:2] in _AWAY_STATES or state == _NO_PARTITION
    away = (OSError, sa.exc.TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, away) or isinstance(error.__cause__, away)


def _cause(error: BaseException) -> str:
    while isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        error = error.orig
    return " ".join(str(error).split())
