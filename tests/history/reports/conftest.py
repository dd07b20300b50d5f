"""What tests of reports share: a random day, in memory and in a database of each kind."""

from random import Random

import pytest

from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay, store

TRADES_MIN = 20


@pytest.fixture
def day(seed: int) -> RecordedDay:
    """A random day at the exchange, on which something happens."""
    draw = Random(seed)
    while len((found := RecordedDay(draw)).rows.trades) < TRADES_MIN:
        pass
    return found


@pytest.fixture
async def history(history_database: HistoryDatabase, day: RecordedDay) -> HistoryDatabase:
    """The history of the day."""
    await store(history_database, day.rows, day.cursor)
    return history_database
