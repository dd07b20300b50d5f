"""Engines as processes, ended with the test; and a seed that a failing test shows."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.campaign import SEED_MAX
from tests.support.engines import Engines
from tests.support.redis_server import RedisServer


@pytest.fixture
def seed() -> int:
    """A new one each time; pytest shows it when the test fails."""
    return random.SystemRandom().randrange(SEED_MAX)


@pytest.fixture
def engines(redis_server: RedisServer, tmp_path: Path) -> Iterator[Engines]:
    """Engines on a fresh Redis."""
    engines = Engines(redis_server.url, tmp_path)
    try:
        yield engines
    finally:
        engines.end_all()
