"""Records outside exchanges: what the aggregator publishes, as it was received.

The rule of this file: it is beside the exchange's own history and never in its way. What was not
received is not known and is said so; a database that is away for longer than there is room for what
comes leaves a gap.

    recorder = OutsideRecorder(redis_url, keys, database, kept_days=7)
    await recorder.start()
"""

import asyncio
import time
from contextlib import suppress

from history.outside.books import Newest, Row, rows_of
from history.outside.hearing import Hearing, Inbox
from history.outside.writing import load_newest, load_touch_ns, prune, write_rows
from history.projection.intervals import SECOND_NS
from history.sql.database import HistoryDatabase
from history.sql.failures import DatabaseError
from shared.channels import Keys
from shared.logs import get_logger
from shared.messages import OutsideBbo
from shared.tasks import spawn, stop

FLUSH_S = 1.0
FLUSH_TRADES_MAX = 5_000  # In one transaction: the exchange's own batches wait behind it.
PRUNE_EVERY_S = 60.0

_log = get_logger(__name__)


class OutsideRecorder:
    """Writes what it hears, once a second; `start` before and `close` after."""

    def __init__(
        self, redis_url: str, keys: Keys, database: HistoryDatabase, *, kept_days: int
    ) -> None:
        self.recorded_trades = self.recorded_gaps = self.failures = 0
        self._inbox = Inbox()
        self._hearing = Hearing(redis_url, keys, self._inbox)
        self._database = database
        self._kept_days = kept_days
        self._newest: dict[str, Newest] = {}
        self._touched_ns: dict[str, int] = {}
        self._is_away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._hearing.start()
        self._task = spawn(self._run(), "outside-recorder")

    async def close(self) -> None:
        """Write what was heard, if the database can, and end."""
        await stop(self._task)
        await self._hearing.close()
        with suppress(DatabaseError):
            await self._flush_all()

    def metrics(self) -> dict[str, int]:
        """Return what is followed, was recorded, and was missed."""
        return {
            "outside_channels": self._hearing.channel_count,
            "outside_trades": self.recorded_trades,
            "outside_gaps": self.recorded_gaps,
            "outside_waiting": self._inbox.count,
            "outside_passed_over": self._inbox.passed_over,
            "outside_unreadable": self._inbox.unreadable,
            "outside_failures": self.failures,
        }

    async def flush(self) -> bool:
        """Write some of what waits; return whether more waits. Raises DatabaseError, and then
        everything waits still.
        """
        trades, touches = self._inbox.waiting(FLUSH_TRADES_MAX)
        if not trades and not touches:
            return False
        await self._load({*trades, *touches})
        books = [rows_of(book, heard, self._newest[book]) for book, heard in trades.items()]
        sampled = [row for row in map(self._sampled, touches.values()) if row is not None]
        await write_rows(self._database, books, sampled)
        for book, rows in zip(trades, books, strict=True):
            self._newest[book] = rows.newest
            self.recorded_trades += len(rows.trades)
            self.recorded_gaps += len(rows.gaps)
        for row in sampled:
            self._touched_ns[row["book"]] = row["at_ns"]
        self._inbox.done(trades, touches)
        return self._inbox.count > 0

    async def _run(self) -> None:
        pruned_at_s = float("-inf")
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self._flush_all()
                if time.monotonic() >= pruned_at_s + PRUNE_EVERY_S:
                    pruned_at_s = time.monotonic()
                    await prune(self._database, time.time_ns(), self._kept_days)
                self._is_away = False
            except DatabaseError as error:
                self.failures += 1
                if not self._is_away:
                    _log.warning("outside_not_recorded", reason=str(error))
                self._is_away = True

    async def _flush_all(self) -> None:
        has_more = True
        while has_more:
            has_more = await self.flush()

    async def _load(self, books: set[str]) -> None:
        unknown = books - self._newest.keys()
        if unknown:
            async with self._database.reading() as connection:
                for book in sorted(unknown):
                    self._touched_ns[book] = await load_touch_ns(connection, book)
                    self._newest[book] = await load_newest(connection, book)

    def _sampled(self, touch: OutsideBbo) -> Row | None:
        if touch.at_ns // SECOND_NS <= self._touched_ns[touch.book] // SECOND_NS:
            return None
        return {
            "book": touch.book,
            "at_ns": touch.at_ns,
            "state": touch.state.value,
            "bid": touch.bid,
            "bid_quantity": touch.bid_quantity,
            "ask": touch.ask,
            "ask_quantity": touch.ask_quantity,
            "venue_at_ns": touch.venue_at_ns,
        }
