"""The archive of events, page by page, in a thread: it is files.

The rule of this file: what is read was checked by its chain; what follows what is for others.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from history.follow.links import Link, Missing, link
from history.projection.rows import CursorRow
from shared.archive import ArchiveError, Record, read_records

KIND = "events"
PAGE_EVENTS_MAX = 2_000  # Decoded in one go, in a thread that others wait for meanwhile.


class ArchiveReader:
    """Reads on behind a cursor; raises Missing where the files are damaged or do not follow."""

    def __init__(self, folder: Path, after: CursorRow) -> None:
        self._records = read_records(folder, KIND, after=after.sequence, torn_end=True)
        self._cursor = after
        self._fault: Missing | None = None

    async def page(self) -> list[Link]:
        """Return what follows, in order; nothing at the end, as it is now."""
        return await asyncio.to_thread(self._page)

    def _page(self) -> list[Link]:
        links: list[Link] = []
        events = 0
        while events < PAGE_EVENTS_MAX and (found := self._next()) is not None:
            links.append(found)
            events += found.events
        if not links and self._fault is not None:
            raise self._fault
        return links

    def _next(self) -> Link | None:
        # What comes before a fault counts, so the fault is told after it.
        try:
            record = _next(self._records)
            found = None if record is None else link(record.payload, self._cursor)
        except Missing as fault:
            self._fault = fault
            return None
        if found is not None:
            self._cursor = found.cursor
        return found


async def archived_batch(folder: Path, cursor: CursorRow) -> bytes:
    """Return the packed batch that ends where the cursor is; raises OtherVenue if another one is
    there, Missing if the archive does not say.
    """

    def find() -> Record | None:
        return _next(read_records(folder, KIND, after=cursor.sequence - 1, torn_end=True))

    record = await asyncio.to_thread(find)
    if record is not None and record.number == cursor.sequence:
        return record.payload
    if record is not None:
        link(record.payload, cursor)
    raise Missing(
        f"Neither the stream nor the archive has the batch that ends with event {cursor.sequence}, "
        "by which this venue is known."
    )


def _next(records: Iterator[Record]) -> Record | None:
    try:
        return next(records, None)
    except (ArchiveError, OSError) as error:
        raise Missing(str(error)) from error
