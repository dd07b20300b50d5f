"""A desk of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.sql.database import open_database
from tests.api.money.desks import Desk, desk_at
from tests.api.money.engine_of_withdrawals import FakeEngine, FakeStore


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = await open_database(tmp_path, "")
    engine = FakeEngine()
    yield desk_at(engine, FakeStore(engine), database)
    await database.dispose()
