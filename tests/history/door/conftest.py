"""What tests of the door share: a history behind a real port."""

from collections.abc import AsyncIterator
from random import Random
from typing import NamedTuple

import httpx
import pytest

from history.door.app import Watched, door_app
from history.door.serving import serving
from history.sql.database import HistoryDatabase
from shared.history_key import HEADER
from tests.history.queries.stand import Stand

KEY = "0123456789abcdef"


class OpenDoor(NamedTuple):
    """The history behind it, its address, and who asks."""

    stand: Stand
    port: int
    client: httpx.AsyncClient


def watched() -> Watched:
    return Watched(
        health=lambda: (True, {"status": "ok"}),
        ready=lambda: (False, {"ready": False, "behind": 7}),
        metrics=lambda: b"history_behind 7\n",
    )


@pytest.fixture
async def door(history_database: HistoryDatabase, seed: int) -> AsyncIterator[OpenDoor]:
    """A door to a history of a hundred events and more."""
    stand = Stand(history_database, Random(seed))
    await stand.grow(150)
    async with serving(door_app(stand.queries, watched(), KEY), "127.0.0.1", 0) as port:
        base = f"http://127.0.0.1:{port}"
        shown = {HEADER: KEY}
        async with httpx.AsyncClient(
            base_url=base, trust_env=False, timeout=20, headers=shown
        ) as client:
            yield OpenDoor(stand, port, client)
