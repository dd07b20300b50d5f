"""A batch is written once, as a whole, whatever happens to the database meanwhile."""

import asyncio
import random
from pathlib import Path

import pytest

from history.projection.batch import Batch
from history.projection.rows import AssetRow, CursorRow
from history.sql.database import DatabaseError, HistoryDatabase, open_history
from history.sql.writer import CursorMoved, write
from tests.history.sql.batches import History

BATCHES = 12


async def test_random_batches_leave_exactly_their_rows(
    history_database: HistoryDatabase, seed: int
) -> None:
    history = History(random.Random(seed))
    for _ in range(BATCHES):
        batch, cursor = history.next_batch()
        await write(history_database, batch, cursor, history.cursor)
        history.take(batch, cursor)
        await history.compare(history_database)


async def test_a_batch_of_many_rows_is_whole(history_database: HistoryDatabase, seed: int) -> None:
    history = History(random.Random(seed), rows_max=1_000)
    batch, cursor = history.next_batch()
    await write(history_database, batch, cursor, None)
    history.take(batch, cursor)
    await history.compare(history_database)


async def test_a_batch_that_is_there_already_is_not_written_again(
    history_database: HistoryDatabase, seed: int
) -> None:
    """The answer to a commit may be lost."""
    history = History(random.Random(seed))
    batch, cursor = history.next_batch()
    for _ in range(2):
        await write(history_database, batch, cursor, None)
    history.take(batch, cursor)
    await history.compare(history_database)


async def test_a_batch_that_begins_elsewhere_is_refused(
    history_database: HistoryDatabase, seed: int
) -> None:
    history = History(random.Random(seed))
    batch, cursor = history.next_batch()
    await write(history_database, batch, cursor, None)
    history.take(batch, cursor)
    late, late_cursor = history.next_batch()
    for expected in (
        None,
        cursor._replace(sequence=cursor.sequence - 1),
        cursor._replace(n=cursor.n + 1),
        cursor._replace(batch_digest="another"),
    ):
        with pytest.raises(CursorMoved):
            await write(history_database, late, late_cursor, expected)
    await history.compare(history_database)


async def test_of_two_recorders_one_writes(
    history_database: HistoryDatabase, tmp_path: Path, history_url: str, seed: int
) -> None:
    other = await open_history(tmp_path / "home", history_url)
    history, rival = History(random.Random(seed)), History(random.Random(seed + 1))
    writes = []
    for database, whose in ((history_database, history), (other, rival)):
        batch, cursor = whose.next_batch()
        whose.take(batch, cursor)
        writes.append(write(database, batch, cursor, None))
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [CursorMoved]
    await (history if ends[0] is None else rival).compare(other)
    await other.close()


async def test_an_empty_batch_moves_the_cursor(history_database: HistoryDatabase) -> None:
    history = History(random.Random(1))
    before = None
    for cursor in (CursorRow(0, 1, 5, ""), CursorRow(0, 2, 5, "")):
        await write(history_database, Batch(), cursor, before)
        history.take(Batch(), cursor)
        await history.compare(history_database)
        before = cursor


async def test_a_number_that_does_not_fit_is_refused_and_nothing_is_written(
    history_database: HistoryDatabase, seed: int
) -> None:
    history = History(random.Random(seed))
    batch, cursor = history.next_batch()
    await write(history_database, batch, cursor, None)
    history.take(batch, cursor)
    bad, end = history.next_batch()
    bad.assets["X"] = AssetRow("X", 2**63, 1)
    with pytest.raises(DatabaseError):
        await write(history_database, bad, end, cursor)
    await history.compare(history_database)
    del bad.assets["X"]
    await write(history_database, bad, end, cursor)
    history.take(bad, end)
    await history.compare(history_database)
