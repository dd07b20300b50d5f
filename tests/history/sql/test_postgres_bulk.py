"""A PostgreSQL that dies at any moment: a batch is there as a whole or not at all."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from history.sql.database import DatabaseAway, open_history
from history.sql.writer import write
from tests.history.sql.batches import History
from tests.support.deadlines import eventually_async
from tests.support.postgres import MortalPostgres, NoPostgresError, mortal_postgres

DEATHS = 6
TURNS_MAX = 400  # Of the loop, before a death: a batch takes about a hundred.


@pytest.fixture
def mortal() -> Iterator[MortalPostgres]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(mortal_postgres())
        except NoPostgresError as error:
            pytest.skip(str(error))
        yield server


async def test_a_server_that_is_killed_at_random_leaves_whole_batches(
    mortal: MortalPostgres, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    history = History(rng, rows_max=400)
    database = await open_history(tmp_path / "home", mortal.cluster.fresh())
    faults = 0
    for death in range(DEATHS):
        batch, cursor = history.next_batch()
        writing = asyncio.create_task(write(database, batch, cursor, history.cursor))
        for _ in range(rng.randrange(TURNS_MAX)):
            await asyncio.sleep(0)
        await asyncio.to_thread(mortal.kill if death % 2 else mortal.kill_connections)
        try:
            await writing
        except DatabaseAway:
            faults += 1
        await asyncio.to_thread(mortal.start)

        async def again() -> bool:
            try:
                await write(database, batch, cursor, history.cursor)  # noqa: B023
            except DatabaseAway:
                return False
            return True

        await eventually_async(again)
        history.take(batch, cursor)
        await history.compare(database)
    assert faults, "no death came during a write"
    await database.close()


async def test_a_server_that_is_away_is_said_and_nothing_waits(
    mortal: MortalPostgres, tmp_path: Path, seed: int
) -> None:
    history = History(random.Random(seed))
    database = await open_history(tmp_path / "home", mortal.cluster.fresh())
    mortal.kill()
    batch, cursor = history.next_batch()
    with pytest.raises(DatabaseAway, match="cannot be written"):
        await write(database, batch, cursor, None)
    with pytest.raises(DatabaseAway, match="cannot be read"):
        async with database.reading():
            pass
    await database.close()


async def test_a_server_that_stands_still_is_away_in_bounded_time(
    mortal: MortalPostgres, tmp_path: Path, seed: int
) -> None:
    history = History(random.Random(seed))
    database = await open_history(tmp_path / "home", mortal.cluster.fresh())
    async with database.reading():
        pass
    with mortal.standing_still():
        for transaction in (database.reading(0.2), database.writing(0.2)):
            with pytest.raises(DatabaseAway):
                async with transaction as connection:
                    await connection.exec_driver_sql("SELECT 1")
    batch, cursor = history.next_batch()
    await write(database, batch, cursor, None)
    history.take(batch, cursor)
    await history.compare(database)
    await database.close()
