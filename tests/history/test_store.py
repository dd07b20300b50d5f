"""A recorder on real databases, again and again from what it has stored."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from history.follow.follower import Follower
from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.service import Recorder
from history.sql.database import HistoryDatabase
from history.sql.tables import METADATA
from history.store import SqlStore
from shared.tasks import stop
from tests.support.deadlines import eventually_async
from tests.support.followed import Followed, followed_venue
from tests.support.history_trading import Traders
from tests.support.memory_history import TABLES, Tables, in_order, projected


class QuietOutlet:
    """Tells nobody."""

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int) -> None:
        pass

    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None:
        pass


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive") as followed:
        yield followed


async def record(followed: Followed, database: HistoryDatabase) -> None:
    """Run a new recorder until all that has happened is stored."""
    follower = Follower(followed.venue.url, followed.venue.keys, followed.archive)
    recorder = Recorder(SqlStore(database), follower, QuietOutlet())
    await recorder.load()
    running = asyncio.create_task(recorder.run())
    sequence = followed.sequence
    await eventually_async(lambda: running.done() or recorder.cursor.sequence == sequence)
    if running.done():
        running.result()
    await stop(running)
    await follower.close()
    assert recorder.cursor.sequence == sequence


async def stored(database: HistoryDatabase) -> Tables:
    async with database.reading() as connection:
        found: Tables = {}
        for name in TABLES:
            rows = await connection.execute(sa.select(METADATA.tables[name]))
            found[name] = [tuple(row) for row in rows]
    return in_order(found)


async def test_recorders_one_after_the_other_store_what_one_alone_would(
    followed: Followed, history_database: HistoryDatabase, seed: int
) -> None:
    # given
    traders = Traders(seed)
    for _ in range(6):
        # when
        followed.carry_out(*traders.commands(50))
        await record(followed, history_database)
    # then
    wanted = projected(followed.venue.events())
    assert await stored(history_database) == wanted
    assert all(wanted.values()), "some table has no rows"


async def test_a_stream_that_is_trimmed_below_the_cursor_is_filled_from_the_archive(
    followed: Followed, history_database: HistoryDatabase, seed: int
) -> None:
    # given
    traders = Traders(seed)
    followed.carry_out(*traders.commands(60))
    await record(followed, history_database)
    # when nobody records
    followed.carry_out(*traders.commands(60))
    everything = followed.venue.events()
    followed.archive_all()
    followed.trim(kept=2)
    # then
    await record(followed, history_database)
    assert await stored(history_database) == projected(everything)


async def test_a_rebuild_from_the_archive_alone_stores_the_same(
    followed: Followed, history_database: HistoryDatabase, seed: int
) -> None:
    # given
    followed.carry_out(*Traders(seed).commands(300))
    wanted = projected(followed.venue.events())
    followed.archive_all()
    followed.trim()
    # when
    await record(followed, history_database)
    # then
    assert await stored(history_database) == wanted
