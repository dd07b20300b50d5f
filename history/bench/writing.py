"""How fast events become rows: from the bytes of the stream to the commit, on one core or two.

The rule of this file: everything that the recorder does for an event is in the figure, and what
makes the events is not. A trade counts when all its rows are committed.
"""

import gc
import time
from collections.abc import Iterable, Iterator

import psutil
import sqlalchemy as sa
from msgspec import Struct

from history.follow.links import BEGINNING, link
from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase
from history.sql.tables import trades as trades_table
from history.sql.writer import write

NS_PER_S = 10**9
# Some 32,000 events, as many as the recorder takes at once when it is behind.
CHUNK_BYTES = 4 * 1024 * 1024


class Written(Struct, frozen=True, kw_only=True):
    """What was written, and what it took; `project_ns` is that part of it which is no database's.

    `cpu_ns` is the time that all threads of this process were at work: where others share the
    machine, that alone can be compared. `resident` is its memory after each chunk, in bytes.
    """

    trades: int
    stored_trades: int  # As the database counts them at the end.
    rows: int
    elapsed_ns: int
    project_ns: int
    cpu_ns: int
    resident: list[int]

    @property
    def trades_per_s(self) -> int:
        return self.trades * NS_PER_S // max(self.elapsed_ns, 1)

    @property
    def trades_per_cpu_s(self) -> int:
        return self.trades * NS_PER_S // max(self.cpu_ns, 1)

    @property
    def rows_per_s(self) -> int:
        return self.rows * NS_PER_S // max(self.elapsed_ns, 1)

    @property
    def grown_bytes(self) -> int:
        """How much more memory there is at the end than halfway."""
        return self.resident[-1] - self.resident[len(self.resident) // 2]


async def measure_writing(database: HistoryDatabase, packed: Iterable[bytes]) -> Written:
    """Record batches of events in an empty database."""
    recording, cursor = Recording(), BEGINNING
    stored: CursorRow | None = None
    trades = rows = elapsed_ns = project_ns = cpu_ns = 0
    resident = []
    process, clock = psutil.Process(), time.perf_counter_ns
    gc.collect()
    gc.freeze()  # What makes the events is not to be looked through again and again.
    for payloads in _chunks(packed):
        began_ns, began_cpu_ns = clock(), time.process_time_ns()
        for payload in payloads:
            found = link(payload, cursor)
            cursor = found.cursor
            for applied in found.applied:
                recording.take(applied)
        batch = recording.finish()
        projected_ns = clock()
        await write(database, batch, cursor, stored)
        elapsed_ns += clock() - began_ns
        cpu_ns += time.process_time_ns() - began_cpu_ns
        project_ns += projected_ns - began_ns
        stored = cursor
        trades += len(batch.trades)
        rows += _rows_of(batch)
        resident.append(process.memory_info().rss)
    gc.unfreeze()
    return Written(
        trades=trades,
        stored_trades=await _stored(database),
        rows=rows,
        elapsed_ns=elapsed_ns,
        project_ns=project_ns,
        cpu_ns=cpu_ns,
        resident=resident,
    )


async def _stored(database: HistoryDatabase) -> int:
    async with database.reading() as connection:
        counted = await connection.execute(sa.select(sa.func.count()).select_from(trades_table))
        return int(counted.scalar_one())


def _chunks(packed: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield batches together, as the recorder takes them when it is behind."""
    payloads: list[bytes] = []
    for payload in packed:
        payloads.append(payload)
        if sum(map(len, payloads)) >= CHUNK_BYTES:
            yield payloads
            payloads = []
    if payloads:
        yield payloads


def _rows_of(batch: Batch) -> int:
    return sum(len(getattr(batch, name)) for name in Batch.__slots__)
