"""What tests of the queries share: a history that grows, and who asks it."""

from random import Random

import pytest

from history.sql.database import HistoryDatabase
from tests.history.queries.stand import Stand


@pytest.fixture
async def stand(history_database: HistoryDatabase, seed: int) -> Stand:
    """A history of some hundred events, on SQLite and on PostgreSQL."""
    stand = Stand(history_database, Random(seed))
    await stand.grow(300)
    return stand
