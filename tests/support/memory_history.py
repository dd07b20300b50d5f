"""A history in memory: what ought to be in a database, kept without one.

The rule of this file: rows of what has happened are kept as often as they are written, so that a
row that is written twice shows; rows of what is now are kept by their key.
"""

from collections.abc import Iterable

from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CandleRow, CursorRow
from history.sql.failures import DatabaseAway
from history.sql.writer import CursorMoved
from history.store import Stored
from shared.messages import Applied

HAPPENED = ["trades", "fills", "order_changes", "ledger", "deposits", "rejections", "venue_events"]
NOW = ["orders", "withdrawals", "markets", "assets"]
TABLES = (*HAPPENED, *NOW, "candles")
Tables = dict[str, list[tuple[object, ...]]]


class MemoryRows:
    """The rows of all batches so far."""

    def __init__(self) -> None:
        self._happened: Tables = {name: [] for name in HAPPENED}
        self._now: dict[str, dict[object, tuple[object, ...]]] = {name: {} for name in NOW}
        self._candles: dict[tuple[str, int, int], CandleRow] = {}

    def add(self, batch: Batch) -> None:
        """Take over the rows of a batch."""
        for name in HAPPENED:
            self._happened[name] += getattr(batch, name)
        for name in NOW:
            self._now[name] |= getattr(batch, name)
        for candle in batch.candles:
            self._candles[candle[:3]] = candle

    def tables(self) -> Tables:
        """Return the rows of every table, in their order."""
        now: Tables = {name: list(rows.values()) for name, rows in self._now.items()}
        candles: Tables = {"candles": list(self._candles.values())}
        tables: Tables = {**self._happened, **now, **candles}
        return in_order(tables)


def in_order(tables: Tables) -> Tables:
    """Return tables of plain rows, which can be compared."""
    return {name: sorted(map(tuple, tables[name])) for name in TABLES}


def projected(events: Iterable[Applied]) -> Tables:
    """Return what all these events leave, made at once."""
    recording, rows = Recording(), MemoryRows()
    for applied in events:
        recording.take(applied)
    rows.add(recording.finish())
    return rows.tables()


class MemoryStore:
    """Does what a database does; `fails` says what becomes of the next writes: "away" nothing is
    done, "unknown" it is done and nobody is told.
    """

    def __init__(self, rows: MemoryRows | None = None, cursor: CursorRow | None = None) -> None:
        self.rows = rows or MemoryRows()
        self.stored = cursor
        self.fails: list[str] = []
        self.writes = 0

    async def load(self) -> Stored:
        assert self.stored is None, "a history in memory begins at the beginning"
        return Stored(None, Recording())

    async def write(self, batch: Batch, cursor: CursorRow, expected: CursorRow | None) -> None:
        failure = self.fails.pop(0) if self.fails else ""
        if failure == "away":
            raise DatabaseAway("The history cannot be written now: it is being repaired")
        if self.stored == cursor:
            return
        if self.stored != expected:
            raise CursorMoved("The history was written by another recorder.")
        self.rows.add(batch)
        self.stored = cursor
        self.writes += 1
        if failure == "unknown":
            raise DatabaseAway("The history cannot be written now: the connection is lost")
