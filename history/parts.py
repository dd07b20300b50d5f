"""What stands around the recorder: who tells live what is written.

The rule of this file: the recorder meets its outlet here, and nowhere else.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.service import Outlet, Recorder
from history.sql.database import HistoryDatabase
from shared.settings import Settings


class QuietOutlet:
    """Tells nobody."""

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int) -> None:
        """Take over where the history stands."""

    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None:
        """Be told of rows that are written."""


@asynccontextmanager
async def open_outlet(
    settings: Settings, redis_url: str, database: HistoryDatabase
) -> AsyncIterator[Outlet]:
    """Give who tells what is written, for as long as the block lasts."""
    yield QuietOutlet()


@asynccontextmanager
async def open_door(
    settings: Settings, recorder: Recorder, database: HistoryDatabase, outlet: Outlet
) -> AsyncIterator[None]:
    """Answer on the port of the history, for as long as the block lasts."""
    yield
