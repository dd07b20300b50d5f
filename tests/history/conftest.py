"""What tests of the history share: a seed, and databases of both kinds."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from history.sql.database import HistoryDatabase, open_history


@pytest.fixture
def seed() -> int:
    """A seed for this run, printed on failure; HISTORY_SEED repeats one."""
    value = int(os.environ.get("HISTORY_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {value}: repeat with HISTORY_SEED={value}")  # noqa: T201
    return value


@pytest.fixture
def history_url(database_url: str) -> str:
    """The setting of an empty history: SQLite in the home, or a real PostgreSQL."""
    return database_url


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
