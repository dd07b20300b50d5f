"""Writes a batch: its rows and the cursor that they belong to, in one transaction.

The rule of this file: all or nothing, once. The stored cursor is read under a lock before the first
row; where it is not the expected one nothing is written, and where it is the batch's own already,
the batch is there: the answer to an earlier try was lost.
"""

from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase
from history.sql.plan import CursorMoved, planned
from history.sql.postgres_bulk import write_to_postgres

__all__ = ["CursorMoved", "write"]


async def write(
    database: HistoryDatabase, batch: Batch, cursor: CursorRow, expected: CursorRow | None
) -> None:
    """Write a batch that begins after `expected` (None: at the first event) and ends with `cursor`.

    Raises CursorMoved; and DatabaseError, after which the batch is there as a whole or not at all,
    and may be given again.
    """
    plan = planned(batch, cursor, expected)
    if database.bulk is not None:
        await database.bulk.write(plan)
    else:
        await write_to_postgres(database, plan)
