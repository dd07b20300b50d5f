"""What tests of the history share: a seed, and databases of both kinds."""

import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from history.sql.database import HistoryDatabase, open_history
from tests.support.postgres import NoPostgresError, Postgres, running_postgres


@pytest.fixture
def seed() -> int:
    """A seed for this run, printed on failure; HISTORY_SEED repeats one."""
    value = int(os.environ.get("HISTORY_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {value}: repeat with HISTORY_SEED={value}")  # noqa: T201
    return value


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A cluster that all tests of a worker share; the test is skipped where there is none."""
    try:
        running = running_postgres()
        cluster = running.__enter__()
    except NoPostgresError as error:
        pytest.skip(str(error))
    try:
        yield cluster
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def history_url(request: pytest.FixtureRequest) -> str:
    """The setting of an empty database: SQLite in the home, or a real PostgreSQL."""
    if request.param == "sqlite":
        return ""
    cluster: Postgres = request.getfixturevalue("postgres")
    return cluster.fresh()


@pytest.fixture
async def history_database(tmp_path: Path, history_url: str) -> AsyncIterator[HistoryDatabase]:
    """An empty history, open; the test runs once on SQLite and once on PostgreSQL.

    The home is `tmp_path / "home"`, for who opens it again with `history_url`.
    """
    database = await open_history(tmp_path / "home", history_url)
    try:
        yield database
    finally:
        await database.close()
