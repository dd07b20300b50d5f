"""Every test of users and sessions runs on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.gateway import Gateway
from api.opening import open_gateway
from api.sql.database import open_database
from tests.api.conftest import settings_for
from tests.support.deadlines import eventually_async


@pytest.fixture
async def engine(tmp_path: Path, database_url: str) -> AsyncIterator[AsyncEngine]:
    """The database, brought to form by the real migrations."""
    engine = await open_database(tmp_path / "home", database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def gateway(tmp_path: Path, redis_url: str, database_url: str) -> AsyncIterator[Gateway]:
    """A gateway on either database."""
    settings = msgspec.structs.replace(
        settings_for(tmp_path / "home", redis_url), database_url=database_url
    )
    async with open_gateway(settings) as gateway:
        await eventually_async(lambda: gateway.bus.redis_is_up)
        yield gateway
