"""What stands around the recorder: who tells live what is written, who answers, who keeps house.

The rule of this file: the recorder meets its outlet, its door and its neighbours here, and nowhere
else.
"""

import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from msgspec import to_builtins

from history.door.app import Watched, door_app
from history.door.serving import PortError, serving
from history.health import is_ready
from history.outlet.outlet import Outlet
from history.outside.recorder import OutsideRecorder
from history.parquet.housekeeping import keep_days
from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.projection.tickers import Ticker
from history.queries.queries import Queries
from history.queries.standing import Standing, UnavailableError
from history.service import Recorder
from history.sql.database import HistoryDatabase
from shared.channels import Keys
from shared.history_key import history_key
from shared.publishing import Publisher, PublisherLink
from shared.settings import Settings
from shared.tasks import spawn, stop

__all__ = ["LiveOutlet", "PortError", "open_door", "open_outlet", "open_outside", "open_upkeep"]

PRODUCER = "history"


class LiveOutlet:
    """Publishes, from the moment on that all channels are open."""

    def __init__(self, outlet: Outlet, link: PublisherLink) -> None:
        self._outlet, self._link = outlet, link

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int) -> None:
        """Take over what is stored; then the channels are there at once, or some would cease."""
        await self._outlet.load(cursor, watermark_ns, since_ns=since_ns)
        await self._link.start()

    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None:
        """Say what these rows change."""
        await self._outlet.written(batch, cursor, watermark_ns)

    def tickers(self) -> list[Ticker]:
        """Return the tickers of all markets."""
        return self._outlet.tickers()

    def metrics(self) -> dict[str, int]:
        """Return what could not be said."""
        return {
            "outlet_unread": self._outlet.unread,
            "outlet_markets_left_out": self._outlet.markets_left_out,
        }

    @property
    def standing(self) -> Standing:
        """Return of which moment the tickers are."""
        return Standing(self._outlet.sequence, self._outlet.at_ns)


@asynccontextmanager
async def open_outlet(
    settings: Settings, redis_url: str, database: HistoryDatabase
) -> AsyncIterator[LiveOutlet]:
    """Give who tells what is written, for as long as the block lasts."""
    keys = Keys(settings.venue)
    publisher = Publisher(PRODUCER, keys, boot_us=time.time_ns() // 1_000)
    link = PublisherLink(redis_url, keys, publisher)
    try:
        yield LiveOutlet(Outlet(publisher, database), link)
    finally:
        await link.close()


@asynccontextmanager
async def open_door(
    settings: Settings,
    redis_url: str,
    recorder: Recorder,
    database: HistoryDatabase,
    outlet: LiveOutlet,
    *,
    outside: OutsideRecorder | None,
) -> AsyncIterator[None]:
    """Answer on the port of the history, for as long as the block lasts; raises PortError."""

    def standing() -> Standing:
        """Until something was told, what was stored when the recorder began."""
        told = outlet.standing
        return told if told.sequence else Standing(recorder.cursor.sequence, recorder.watermark_ns)

    def tickers() -> Sequence[Ticker]:
        """They move with the venue, which has to be seen first."""
        if recorder.cursor.sequence and not outlet.standing.sequence:
            raise UnavailableError("The tickers are not loaded yet.")
        return outlet.tickers()

    def health() -> tuple[bool, Mapping[str, object]]:
        return True, to_builtins(recorder.health())

    def ready() -> tuple[bool, Mapping[str, object]]:
        found = recorder.health()
        return is_ready(found), to_builtins(found)

    def metrics() -> bytes:
        more = outlet.metrics() | (outside.metrics() if outside is not None else {})
        lines = (f"rialto_history_{name} {value}\n" for name, value in more.items())
        return recorder.metrics() + "".join(lines).encode()

    queries = Queries(database, standing, tickers)
    app = door_app(queries, Watched(health, ready, metrics), history_key(redis_url))
    async with serving(app, settings.history_host, settings.history_port):
        yield


@asynccontextmanager
async def open_outside(
    settings: Settings, redis_url: str, database: HistoryDatabase
) -> AsyncIterator[OutsideRecorder | None]:
    """Record outside exchanges, if that is wanted, for as long as the block lasts."""
    if not settings.history_outside_enabled:
        yield None
        return
    keys, kept_days = Keys(settings.venue), settings.history_outside_kept_days
    outside = OutsideRecorder(redis_url, keys, database, kept_days=kept_days)
    await outside.start()
    try:
        yield outside
    finally:
        await outside.close()


@asynccontextmanager
async def open_upkeep() -> AsyncIterator[None]:
    """Write days that are over as files, and let old rows go, for as long as the block lasts."""
    upkeep = spawn(keep_days(os.environ), "history-upkeep")
    try:
        yield
    finally:
        await stop(upkeep)
