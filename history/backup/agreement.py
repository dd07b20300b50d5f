"""Whether a history is what the events make of it.

The rule of this file: a second history is made from the archive and the stream behind it, by the
recorder's own parts but from the first event on, and every table is compared, row by row and both
ways. Rows that were let go for their age may be missing, and only those.
"""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import redis.asyncio

from history.backup.errors import BackupError
from history.projection.intervals import DAY_S, SECOND_NS
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.sql import tables as t
from history.sql.database import open_history
from history.sql.retired import RetiredError, whole_since_day
from history.sql.writer import write
from shared.archive import read_records
from shared.channels import Keys
from shared.home import history_database
from shared.redis_client import connect_async
from shared.wire import decode_batch

EVENTS_AT_ONCE = 20_000  # One transaction's; some tens of MB of rows.
PAGE_MAX = 200  # Batches of the stream read at once; one can be a few hundred KB.
NOT_COMPARED = frozenset({"cursor"})  # It differs in the digest of a batch, and was compared.
# What retention lets go of, and by which time; see history.parquet.kept.
LETS_GO = {
    "trades": "at_ns",
    "fills": "at_ns",
    "orders": "updated_at_ns",
    "order_changes": "at_ns",
    "ledger": "at_ns",
    "rejections": "at_ns",
    "candles": "open_at_ns",
}


async def compare_history(home: Path, redis_url: str, keys: Keys, scratch: Path) -> int:
    """Compare the history.db of a home with its events; return the rows that it has.

    Raises BackupError naming the first table that differs. `scratch` is an empty folder for the
    second history.
    """
    stored = history_database(home)
    until = _cursor(stored)
    database = await open_history(scratch, "")
    try:
        recording, after, events = Recording(), None, 0
        async for sequence, payload in _batches(home / "archive", redis_url, keys, until.sequence):
            last = None
            for last in decode_batch(payload):
                recording.take(last)
                events += len(last.events)
            assert last is not None, "no batch is empty"
            if events >= EVENTS_AT_ONCE or sequence == until.sequence:
                cursor = CursorRow(sequence, last.n, last.at_ns, "")
                await write(database, recording.finish(), cursor, after)
                after, events = cursor, 0
        if after is None or after[:3] != until[:3]:
            raise BackupError(f"The history ends at event {until.sequence}, which is no commit's.")
    finally:
        await database.close()
    return _compare(stored, history_database(scratch), _whole_since_ns(home / "parquet"))


def _cursor(stored: Path) -> CursorRow:
    with _opened(stored) as database:
        row = database.execute("SELECT sequence, n, at_ns, batch_digest FROM cursor").fetchone()
    if row is None:
        raise BackupError(f"{stored} has no rows.")
    return CursorRow(*row)


async def _batches(
    archive: Path, redis_url: str, keys: Keys, until: int
) -> AsyncIterator[tuple[int, bytes]]:
    last = 0
    for record in read_records(archive, "events", torn_end=True):
        if record.number > until:
            return
        last = record.number
        yield record.number, record.payload
    async with contextlib.aclosing(connect_async(redis_url)) as client:
        while last < until:
            page = await _page(client, keys, last, until)
            if not page:
                raise BackupError(f"The events after {last} are neither archived nor in Redis.")
            for last, payload in page:
                yield last, payload


async def _page(
    client: redis.asyncio.Redis, keys: Keys, last: int, until: int
) -> list[tuple[int, bytes]]:
    rows: Any = await client.xrange(keys.events, f"({last}-0", f"{until}-0", count=PAGE_MAX)
    return [(int(name[:-2]), fields[b"e"]) for name, fields in rows]


def _whole_since_ns(days: Path) -> int:
    """Before this rows may be missing, because their days are in Parquet files."""
    try:
        return whole_since_day(days) * DAY_S * SECOND_NS
    except RetiredError as error:
        raise BackupError(str(error)) from error


def _compare(stored: Path, made: Path, whole_since_ns: int) -> int:
    rows = 0
    with _opened(stored) as database:
        database.execute("ATTACH ? AS made", (f"{made.absolute().as_uri()}?mode=ro",))
        for table in t.METADATA.sorted_tables:
            if table.name in NOT_COMPARED:
                continue
            name = f'"{table.name}"'
            rows += database.execute(f"SELECT count(*) FROM main.{name}").fetchone()[0]
            _refuse_more(database, table.name, "main", "made", "is not what the events make")
            since = LETS_GO.get(table.name)
            where = f" WHERE {since} >= {whole_since_ns}" if since else ""
            _refuse_more(database, table.name, "made", "main", "is missing", where=where)
    return rows


def _refuse_more(
    database: sqlite3.Connection, table: str, one: str, other: str, fault: str, *, where: str = ""
) -> None:
    query = f'SELECT * FROM {one}."{table}"{where} EXCEPT SELECT * FROM {other}."{table}" LIMIT 1'
    row = database.execute(query).fetchone()
    if row is not None:
        raise BackupError(f"The history differs from the events in {table}: {row} {fault}.")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        yield database
