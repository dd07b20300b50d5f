"""The recorder: follow the venue, make rows, write them with the cursor, and only then tell.

The rule of this file: those verbs, in that order. What a database that is away does not take is
kept and tried again, never passed over. Nothing else is repeated: a recorder that cannot go on
ends, and the next one begins where the cursor is.
"""

import asyncio
import random
import time
from contextlib import aclosing
from typing import Protocol

from history.figures import Figures
from history.follow.ahead import Chunk
from history.follow.follower import Follower
from history.follow.links import BEGINNING
from history.health import DatabaseState, Health, described, lag_of
from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.sql.failures import DatabaseAway
from history.store import Store
from shared.logs import get_logger

RETRY_MIN_S = 0.05
RETRY_MAX_S = 5.0  # A database that is being repaired is not hurried.

_log = get_logger(__name__)


class Outlet(Protocol):
    """Who tells what is written."""

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int) -> None: ...
    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None: ...


class Recorder:
    """Records one venue: `load`, then `run`; `cursor` and `watermark_ns` are of what is written and
    told.
    """

    def __init__(self, store: Store, follower: Follower, outlet: Outlet) -> None:
        self._store = store
        self._follower = follower
        self._outlet = outlet
        self._database = DatabaseState()
        self._stored: CursorRow | None = None
        self._recording = Recording()
        self._is_caught_up = False
        self.figures = Figures()
        self.cursor = BEGINNING
        self.watermark_ns = 0

    async def load(self) -> None:
        """Take over where the last recorder has ended; raises DatabaseError."""
        self._stored, self._recording = await self._store.load()
        self.cursor = self._stored or BEGINNING
        self.watermark_ns = self.cursor.at_ns
        _log.info("history_loaded", sequence=self.cursor.sequence, entry=self.cursor.n)

    async def run(self) -> None:
        """Record for ever; raises OtherVenue, CursorMoved, DatabaseError, and whatever is a bug."""
        async with aclosing(self._follower.chunks(self._stored)) as chunks:
            is_first = True
            async for chunk in chunks:
                if is_first:
                    await self._open_outlet()
                    is_first = False
                batch = await self._record(chunk) if chunk.applied else Batch()
                await self._tell(batch, chunk.cursor)

    # ---- what is said of it ----

    def health(self) -> Health:
        """Say how it does just now."""
        state, reason, since_s = described(self._follower.state, self._database)
        lag = lag_of(self.cursor, self._follower.moment)
        return Health(
            state=state,
            reason=reason,
            since_s=since_s,
            is_caught_up=self._is_caught_up,
            sequence=self.cursor.sequence,
            watermark_ns=self.watermark_ns,
            lag_events=lag.events,
            lag_s=lag.seconds,
        )

    def metrics(self) -> bytes:
        """Return the figures as Prometheus reads them."""
        lag, figures = lag_of(self.cursor, self._follower.moment), self.figures
        figures.lag_events.set(lag.events)
        figures.lag_s.set(lag.seconds)
        figures.sequence.set(self.cursor.sequence)
        figures.late_entries.set(self._follower.watermark.late_entries)
        return figures.text()

    # ---- recording ----

    async def _open_outlet(self) -> None:
        """By now the venue was seen, and it is the one that is recorded."""
        moment = self._follower.moment
        assert moment is not None, "whoever follows a venue has seen it"
        watermark_ns = self._follower.watermark.after(self.cursor)
        await self._outlet.load(self._stored, watermark_ns, since_ns=moment.clock_ns)

    async def _record(self, chunk: Chunk) -> Batch:
        with self.figures.stage("project"):
            # In a thread, since a large chunk takes a second, and others are answered meanwhile.
            batch = await asyncio.to_thread(_project, self._recording, chunk)
        with self.figures.stage("write"):
            await self._write(batch, chunk.cursor)
        self.figures.written(batch, chunk.events)
        self._stored = chunk.cursor
        return batch

    async def _write(self, batch: Batch, cursor: CursorRow) -> None:
        delay_s = RETRY_MIN_S
        while not await self._is_taken(batch, cursor):
            self.figures.retried()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _is_taken(self, batch: Batch, cursor: CursorRow) -> bool:
        try:
            await self._store.write(batch, cursor, self._stored)
        except DatabaseAway as error:
            self._wait_for_database(str(error))
            return False
        if self._database.reason:
            _log.info("database_is_back", sequence=cursor.sequence)
        self._database.reason = ""
        return True

    def _wait_for_database(self, reason: str) -> None:
        if self._database.reason:
            return
        self._database.reason, self._database.since_s = reason, time.time()
        _log.warning("database_away", reason=reason)

    async def _tell(self, batch: Batch, cursor: CursorRow) -> None:
        watermark_ns = self._follower.watermark.after(cursor)
        with self.figures.stage("publish"):
            await self._outlet.written(batch, cursor, watermark_ns)
        self.cursor, self.watermark_ns = cursor, watermark_ns
        moment = self._follower.moment
        if moment is not None and cursor.sequence >= moment.sequence and not self._is_caught_up:
            self._is_caught_up = True
            _log.info("history_is_in_step", sequence=cursor.sequence)


def _project(recording: Recording, chunk: Chunk) -> Batch:
    for applied in chunk.applied:
        recording.take(applied)
    return recording.finish()
