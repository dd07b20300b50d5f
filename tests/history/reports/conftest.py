"""What tests of reports share: a random day, in memory and in a database of each kind."""

from random import Random

import pytest

from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay, store


@pytest.fixture
def day(seed: int) -> RecordedDay:
    """A random day at the exchange."""
    return RecordedDay(Random(seed))


@pytest.fixture
async def history(history_database: HistoryDatabase, day: RecordedDay) -> HistoryDatabase:
    """The history of the day."""
    await store(history_database, day.rows, day.cursor)
    return history_database
