"""Where it is measured: a database that is made for it, and is gone afterwards.

The rule of this file: nothing of a database that was named is touched; on its server another one
is made beside it. However the work ends, that one is dropped.
"""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from history.bench.errors import BenchError


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """Give the URL of a new database on the server of this one, "" (SQLite) as it is; raises
    BenchError.
    """
    if not url:
        yield ""
        return
    name = f"rialto_bench_{secrets.token_hex(6)}"
    _say(url, f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _say(url, f"DROP DATABASE {name} WITH (FORCE)")


def _say(url: str, statement: str) -> None:
    async def say() -> None:
        engine = create_async_engine(
            f"postgresql+asyncpg://{url.partition('://')[2]}", isolation_level="AUTOCOMMIT"
        )
        try:
            async with engine.connect() as connection:
                await connection.execute(sa.text(statement))
        finally:
            await engine.dispose()

    try:
        asyncio.run(say())
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise BenchError(f"The database server does not do what it is asked: {error}") from error
