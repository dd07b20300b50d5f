"""SQLite whose writer is killed at any moment, and SQLite on a disk that is full."""

import asyncio
import contextlib
import random
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from history.sql.database import DatabaseAway, DatabaseError, HistoryDatabase, open_history
from history.sql.loading import load_cursor
from history.sql.writer import write
from tests.history.sql.batches import History

KILLS = 5
ROWS_MAX = 300
# It writes the batches of a seed, says so before each, and goes on until it is killed.
WRITER = """
    import asyncio, random, sys
    from pathlib import Path
    from history.sql.database import open_history
    from history.sql.loading import load_cursor
    from history.sql.writer import write
    from tests.history.sql.batches import History

    async def main(home, seed):
        history = History(random.Random(seed), rows_max=300)
        database = await open_history(Path(home), "")
        async with database.reading() as connection:
            stored = await load_cursor(connection)
        while history.cursor != stored:
            history.take(*history.next_batch())
        while True:
            batch, cursor = history.next_batch()
            print("next", flush=True)
            await write(database, batch, cursor, history.cursor)
            history.take(batch, cursor)

    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def _replayed(database: HistoryDatabase, seed: int) -> History:
    """The batches of a seed, up to the stored cursor."""
    history = History(random.Random(seed), rows_max=ROWS_MAX)
    async with database.reading() as connection:
        stored = await load_cursor(connection)
    while history.cursor != stored:
        history.take(*history.next_batch())
        assert stored is not None
        assert history.cursor is not None
        assert history.cursor.sequence <= stored.sequence, "a cursor that no batch ends with"
    return history


def _write_until_killed(home: Path, seed: int, rng: random.Random) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(home), str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(rng.randint(1, 4)):
        assert process.stdout.readline() == "next\n"
    for _ in range(rng.randrange(500_000)):
        pass  # A batch is on its way for some milliseconds.
    process.kill()
    process.communicate()


async def test_a_writer_that_is_killed_at_random_leaves_whole_batches(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    home = tmp_path / "home"
    for _ in range(KILLS):
        _write_until_killed(home, seed, rng)
        database = await open_history(home, "")
        history = await _replayed(database, seed)
        await history.compare(database)
        await database.close()
    assert history.cursor is not None, "nothing was ever written"


def _size_of_log(home: Path) -> int:
    log = home / "history.db-wal"
    return log.stat().st_size if log.exists() else 0


def _remove(home: Path) -> list[Path]:
    files = list(home.glob("history.db*"))
    for file in files:
        file.unlink()
    return files


@contextlib.contextmanager
def _files_end_at(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: for SQLite a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_disk_that_is_full_is_said_and_takes_nothing_half(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    home = tmp_path / "home"
    database = await open_history(home, "")
    history = History(rng, rows_max=ROWS_MAX)
    refused = 0
    for _ in range(6):
        batch, cursor = history.next_batch()
        size = _size_of_log(home)
        try:
            with _files_end_at(size + rng.randrange(1, 200_000)):
                await write(database, batch, cursor, history.cursor)
        except DatabaseAway:
            refused += 1
            await history.compare(database)
            await write(database, batch, cursor, history.cursor)
        history.take(batch, cursor)
        await history.compare(database)
    assert refused, "the disk was never full"
    await database.close()


async def test_a_file_that_is_gone_is_not_made_anew_without_its_tables(tmp_path: Path) -> None:
    database = await open_history(tmp_path, "")
    _remove(tmp_path)
    batch, cursor = History(random.Random(1)).next_batch()
    with pytest.raises(DatabaseError):
        await write(database, batch, cursor, None)
    assert not _remove(tmp_path)
    await database.close()


async def test_a_write_that_is_called_off_is_whole(tmp_path: Path, seed: int) -> None:
    database = await open_history(tmp_path, "")
    history = History(random.Random(seed), rows_max=ROWS_MAX)
    batch, cursor = history.next_batch()
    writing = asyncio.create_task(write(database, batch, cursor, None))
    await asyncio.sleep(0)
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    await write(database, batch, cursor, None)
    history.take(batch, cursor)
    await history.compare(database)
    await database.close()
