"""Follows a venue: every event once, in order, from the stream or else from the archive.

The rule of this file: nothing is taken over unless it is proven to follow what is written. What
cannot be proven yet is waited for, and said; what is proven to be another's ends it.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import redis

from history.follow.ahead import Ahead, Chunk
from history.follow.archived import ArchiveReader, archived_batch
from history.follow.links import BEGINNING, Link, Missing, OtherVenue, digest_of, link
from history.follow.state import Following, State
from history.follow.venue import VenueReader
from history.follow.watermark import Moment, Watermark
from history.projection.rows import CursorRow
from shared.channels import Keys
from shared.redis_client import connect_async
from shared.tasks import stop

IDLE_S = 0.5  # An empty chunk after so long: candles close and tickers roll without trades, too.
RETRY_MIN_S = 0.05
RETRY_MAX_S = 2.0  # Redis is ours and near; the archiver is behind by less.
CONNECTIONS = 2  # One waits for events, one looks.


class Follower:
    """Reads one venue; `state` says how it goes, `moment` is what was seen of the venue last."""

    def __init__(self, redis_url: str, keys: Keys, archive: Path) -> None:
        self._client = connect_async(redis_url, pool_size_max=CONNECTIONS)
        self._venue = VenueReader(self._client, keys)
        self._folder = archive
        self._archive: ArchiveReader | None = None
        self._cursor = BEGINNING
        self._is_proven = self._has_begun = False
        self.state = State()
        self.watermark = Watermark()
        self.moment: Moment | None = None

    async def close(self) -> None:
        with suppress(redis.RedisError, OSError):
            await self._client.aclose()

    async def chunks(self, after: CursorRow | None) -> AsyncGenerator[Chunk, None]:
        """Yield what follows, as much as there is, and an empty chunk now and then while there is
        nothing; the next one is read meanwhile. The first comes when the venue is proven to be the
        one that the cursor is of. Close the iterator. Raises OtherVenue.
        """
        ahead = Ahead()
        cursor = after or BEGINNING
        reader = asyncio.create_task(self._read(cursor, ahead), name="history-read")
        reader.add_done_callback(lambda _: ahead.wake())
        try:
            while True:
                chunk = await ahead.take(IDLE_S)
                if chunk is None and reader.done():
                    reader.result()
                if chunk is not None:
                    cursor = chunk.cursor
                    self.watermark.take(chunk.applied)
                    yield chunk
                elif self._has_begun:
                    yield Chunk([], cursor)
        finally:
            await stop(reader)

    # ---- reading ----

    async def _read(self, cursor: CursorRow, ahead: Ahead) -> None:
        """Read for ever; raises OtherVenue, and whatever is a bug."""
        self._cursor, self._archive, self._is_proven = cursor, None, False
        delay_s = RETRY_MIN_S
        while True:
            try:
                links = await self._next()
                delay_s = RETRY_MIN_S
            except Missing as missing:
                self._wait_for(Following.MISSING, str(missing))
            except (redis.RedisError, OSError) as error:
                self._wait_for(Following.REDIS_AWAY, f"Redis does not answer: {error}")
            else:
                for found in links:
                    await ahead.put(found)
                continue
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    def _wait_for(self, trouble: Following, reason: str) -> None:
        self.state.turn(trouble, reason)
        self._archive = None
        self._is_proven = False  # Whoever comes back may be somebody else.

    async def _next(self) -> list[Link]:
        """Return what follows, nothing if nothing has happened yet."""
        moment = await self._look()
        if not self._is_proven:
            await self._prove()
            self._is_proven = self._has_begun = True
        if self._archive is None:
            try:
                return await self._from_stream(moment)
            except Missing:
                self._archive = ArchiveReader(self._folder, self._cursor)
        links = await self._archive.page()
        if not links:
            self._archive = None
            return await self._from_stream(moment)
        self.state.turn(Following.ARCHIVE)
        return self._followed(links)

    def _followed(self, links: list[Link]) -> list[Link]:
        if links:
            self._cursor = links[-1].cursor
        return links

    async def _look(self) -> Moment:
        moment = await self._venue.moment()
        if moment.sequence < self._cursor.sequence:
            raise OtherVenue(
                f"The history ends with event {self._cursor.sequence}, the venue with event "
                f"{moment.sequence}: it is of another venue, or of a later time of this one."
            )
        # A connection that nobody uses just now is made anew in silence: a server that was started
        # meanwhile may have been restored, and be past the cursor on another way.
        if self.moment is not None and moment.server != self.moment.server:
            self._is_proven = False
        self.moment = moment
        self.watermark.look(moment)
        return moment

    async def _from_stream(self, moment: Moment) -> list[Link]:
        """Return what the stream has behind the cursor; raises Missing if it does not reach back
        to it.
        """
        cursor = self._cursor
        is_at_end = moment.sequence == cursor.sequence
        page = await self._venue.batches_after(cursor.sequence, wait=is_at_end)
        if not page and not is_at_end:
            raise Missing(f"Event {cursor.sequence + 1} has happened and is nowhere to be found.")
        links: list[Link] = []
        for payload in page:
            try:
                found = link(payload, links[-1].cursor if links else cursor)
            except Missing:
                if not links:
                    raise
                break
            links.append(found)
        self.state.turn(Following.STREAM)
        return self._followed(links)

    # ---- proving ----

    async def _prove(self) -> None:
        """Return if the venue has the batch that the cursor is behind; raises OtherVenue if it has
        another one there, Missing if that cannot be said.
        """
        cursor = self._cursor
        if cursor == BEGINNING:
            return
        payload = await self._venue.batch_that_ends_at(cursor.sequence)
        if payload is None:
            for following in (await self._venue.batches_after(cursor.sequence, wait=False))[:1]:
                with suppress(Missing):
                    link(following, cursor)
            payload = await archived_batch(self._folder, cursor)
        if digest_of(payload) != cursor.batch_digest:
            raise OtherVenue(
                f"Event {cursor.sequence} of this venue is not the one that the history ends "
                "with: it is of another venue, or of another time of this one."
            )
