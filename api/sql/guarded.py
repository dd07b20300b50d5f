"""The one way to the SQL database: bounded in time, and refused at once while it is known to hang.

The rule of this file: whoever holds the engine that is made here cannot wait for SQL longer than
SQL_TIMEOUT_S, connecting and waiting for a connection included; and what ends so is an
OperationalError like any other failure of the database.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.sql.tables import users
from shared.breaker import Breaker, BreakerOpenError

SQL_TIMEOUT_S = 2.0  # A lookup takes a millisecond, the write of another process tens.
ASKED = "-- the users' database"
WAITED_S = 0.05  # What fails sooner holds nobody up, and may be about the statement.
FAILURES = (OperationalError, InterfaceError, sa.exc.TimeoutError, OSError)


class GuardedEngine(AsyncEngine):
    """An AsyncEngine whose connections are bounded in time and behind a breaker.

    Use `dispose` after, as with any.
    """

    __slots__ = ("breaker",)

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine.sync_engine)
        # A server that is starting up says so in an error of its own.
        self.breaker = Breaker(
            "sql", self._ask, failures=FAILURES, probe_failures=(SQLAlchemyError,)
        )

    async def dispose(self, close: bool = True) -> None:
        """Close every connection, and end the breaker's probing."""
        await self.breaker.close()
        await super().dispose(close)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:  # type: ignore[override]
        """Give a connection; raises OperationalError at once while the breaker is open."""
        async with self._guarded(), AsyncConnection(self) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction, committed at the end; else as `connect`."""
        async with self._guarded(), AsyncConnection(self) as connection, connection.begin():
            yield connection

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        started_s = time.monotonic()
        try:
            self.breaker.check()
            async with asyncio.timeout(SQL_TIMEOUT_S):
                yield
        except FAILURES as error:
            if time.monotonic() - started_s > WAITED_S:
                self.breaker.trip(type(error).__name__)
            if not isinstance(error, TimeoutError | sa.exc.TimeoutError):
                raise
            raise OperationalError(ASKED, None, Exception("it takes too long")) from error
        except BreakerOpenError as error:
            raise OperationalError(ASKED, None, Exception("it is not asked now")) from error

    async def _ask(self) -> None:
        async with AsyncConnection(self) as connection:
            # Of a table, as a table that is held by somebody is no answer either.
            await connection.execute(sa.select(users.c.user_id).limit(1))
