"""Reading and writing the users' database.

The rule of this file: every sentence to the database goes through `reading` or `writing`, so that a
database which is away, full or overloaded is one answer: USERS_UNAVAILABLE.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.edge.errors import ApiError


@contextlib.asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection to read with; raises ApiError USERS_UNAVAILABLE."""
    with _told():
        async with engine.connect() as connection:
            yield connection


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that is committed at the end, or not at all when anything is raised.

    Begin with a write: from then on nobody else changes that row (SQLite: any row). Raises ApiError
    USERS_UNAVAILABLE, and IntegrityError as it is.
    """
    with _told():
        async with engine.begin() as connection:
            yield connection


async def changed(connection: AsyncConnection, statement: sa.UpdateBase) -> int:
    """Carry out a write and return how many rows it changed."""
    return (await connection.execute(statement)).rowcount


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sa.exc.TimeoutError, OSError) as error:
        raise ApiError("USERS_UNAVAILABLE") from error
