"""What the history must hold after a campaign: all that the archive tells, once.

The rule of this file: the archive is read from its beginning into memory, by one projection that
was never killed; the recorder that was killed all the time must have written the same rows.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from history.projection.recording import Recording
from shared.archive import read_records
from shared.home import history_database
from shared.wire import decode_batch
from tests.support.campaign import PROGRESS_DEADLINE_S, Campaign
from tests.support.deadlines import eventually_async

Rows = dict[str, list[tuple[Any, ...]]]


async def check_history(campaign: Campaign) -> int:
    """Wait until the history has caught up, compare it, and return how many rows it has."""
    database = history_database(campaign.system.home)

    def caught_up() -> Rows:
        # Time goes on: the end of the archive moves.
        rows, sequence = expected_rows(campaign.system.archive)
        at = _query(database, "SELECT sequence FROM cursor")
        sentence = f"The history is at {at}, the archive at {sequence}."
        assert at == [(sequence,)], f"{sentence}\n{campaign.system.logs()}"
        return rows

    expected = await eventually_async(caught_up, PROGRESS_DEADLINE_S)
    for table, rows in expected.items():
        stored = _query(database, f"SELECT * FROM {table}")
        assert sorted(stored) == sorted(rows), f"{table} of the history differs"
    return sum(map(len, expected.values()))


def expected_rows(archive: Path) -> tuple[Rows, int]:
    """Return the rows of every table as one look at the whole archive gives them, and its end."""
    recording, sequence = Recording(), 0
    for record in read_records(archive, "events", torn_end=True):
        for applied in decode_batch(record.payload):
            recording.take(applied)
        sequence = record.number
    batch = recording.finish()
    rows: dict[str, Iterable[Sequence[Any]]] = {
        "trades": batch.trades,
        "fills": batch.fills,
        "orders": batch.orders.values(),
        "order_changes": batch.order_changes,
        "ledger": batch.ledger,
        "deposits": batch.deposits,
        "withdrawals": batch.withdrawals.values(),
        "rejections": batch.rejections,
        "venue_events": batch.venue_events,
        "markets": batch.markets.values(),
        "assets": batch.assets.values(),
        "candles": batch.candles,
    }
    return {table: [tuple(row) for row in found] for table, found in rows.items()}, sequence


def _query(database: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()
