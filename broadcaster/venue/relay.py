"""Following the venue: live batches, and the event stream wherever a live one is missing.

The rule of this file: the live channel only makes it fast; what is true is in the stream and the
rows. Every doubt (a gap, a reconnect, a heartbeat ahead of us) ends in reading the stream from
where we are, and a stream that no longer reaches back there ends in loading the rows and telling
everybody. One task alone takes events over, a slice at a time: in between, clients are written to,
so whoever reads is never behind only because much happened at once.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence

import redis

from broadcaster.channels.accounts import AccountListener
from broadcaster.venue.backlog import Backlog, Heard, Heartbeat
from broadcaster.venue.feed import Feed
from broadcaster.venue.market import SequenceBroken
from broadcaster.venue.projection import Projection
from broadcaster.venue.reader import read_account, read_events, read_venue
from shared.channels import Keys
from shared.feed import Reason
from shared.listener import Listener
from shared.logs import get_logger
from shared.messages import Applied
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import DecodeError, decode_batch

SLICE_EVENTS_MAX = 200  # Some 100 KB for one client, which a writer passes on in one go.
FILL_EVENTS_MAX = 200_000  # Reading more one by one takes seconds; loading the rows is faster.
RETRY_MIN_S = 0.05
RETRY_MAX_S = 1.0  # Redis is ours and near: it comes back within a second or not at all.
ACCOUNT_RETRY_S = 0.01  # How long a new asset or market takes to reach us.
ACCOUNT_READS_MAX = 4  # At once; more only queue up in Redis.

_log = get_logger(__name__)


class Relay:
    """Keeps a feed in step with a venue; use `start` before and `close` after."""

    def __init__(self, redis_url: str, keys: Keys, feed: Feed) -> None:
        self._keys = keys
        self._feed = feed
        self._client = connect_async(redis_url)
        self._listener = Listener(
            redis_url,
            {keys.events_channel: self._on_batch, keys.heartbeat_channel: self._on_heartbeat},
            on_gap=self._doubt,
        )
        self._backlog = Backlog()
        self._heard = asyncio.Event()  # Something is in the backlog, or doubted.
        self._doubted = False
        self._doubt_count = 0  # A doubt that comes while we read asks for one more reading.
        self._account_asked = asyncio.Event()
        self._account_reads_fail = False  # Told once; Redis being away is told by others too.
        self._tasks: list[asyncio.Task[None]] = []
        self.fill_count = 0
        feed.hub.accounts.on_request = self._account_asked.set

    async def start(self) -> None:
        self._tasks = [spawn(self._follow_loop(), "relay-follow")]
        for number in range(ACCOUNT_READS_MAX):
            self._tasks.append(spawn(self._account_loop(), f"relay-accounts-{number}"))
        await self._listener.start()

    async def close(self) -> None:
        await self._listener.close()
        await stop(*self._tasks)
        await self._client.aclose()

    @property
    def is_connected(self) -> bool:
        """Whether the live channels are heard."""
        return self._listener.connected

    @property
    def is_in_step(self) -> bool:
        """Whether the feed shows the venue as it is, as far as can be known here."""
        return self._listener.connected and self._feed.hub.ready and not self._doubted

    # ---- the live channels ----

    def _on_batch(self, data: bytes) -> None:
        self._backlog.add(data)
        self._heard.set()

    def _on_heartbeat(self, data: bytes) -> None:
        # Queued too: it says where the engine is after the batches that were published before it.
        try:
            epoch, sequence = map(int, data.split())
        except ValueError:
            _log.error("unreadable_heartbeat", size=len(data))
            self._doubt()
            return
        self._backlog.add(Heartbeat(epoch, sequence))
        self._heard.set()

    def _doubt(self) -> None:
        self._doubt_count += 1
        self._doubted = True
        self._heard.set()

    # ---- taking over ----

    async def _follow_loop(self) -> None:
        delay_s = RETRY_MIN_S
        while True:
            await self._heard.wait()
            try:
                await self._follow()
                delay_s = RETRY_MIN_S
            except (redis.RedisError, OSError) as error:
                _log.warning("fill_failed", reason=str(error))
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _follow(self) -> None:
        """Take over what was heard; read what was not."""
        while self._backlog and not self._doubted:
            try:
                await self._take(self._backlog.take())
            except SequenceBroken as gap:
                _log.info("gap", reason=str(gap))
                self._doubt()
        if self._doubted:
            await self._fill()
        elif not self._backlog:
            self._heard.clear()

    async def _take(self, heard: Heard) -> None:
        """Raises SequenceBroken when it does not follow or cannot be read: the stream decides."""
        projection = self._feed.projection
        if projection is None:
            raise SequenceBroken("nothing is loaded yet")
        if isinstance(heard, Heartbeat):
            if heard != (projection.epoch, projection.sequence):
                raise SequenceBroken(f"the engine is at {heard}, we at {projection.sequence}")
            return
        try:
            batch = decode_batch(heard)
        except DecodeError as error:
            _log.error("unreadable_batch", reason=str(error))
            raise SequenceBroken("a batch cannot be read") from error
        await self._apply(batch)

    async def _apply(self, batch: Sequence[Applied]) -> None:
        """Take a batch over with a breath after each slice; raises SequenceBroken as the feed."""
        for part in slices(batch, SLICE_EVENTS_MAX):
            self._feed.apply(part)
            await asyncio.sleep(0)

    # ---- repair ----

    async def _fill(self) -> None:
        self.fill_count += 1
        projection = self._feed.projection
        while projection is None or not await self._read_on(projection):
            self._feed.load(await read_venue(self._client, self._keys))
            _log.info("venue_loaded", resyncs=self._feed.resync_count)
            projection = self._feed.projection
            self._account_asked.set()

    async def _read_on(self, projection: Projection) -> bool:
        """Read the stream to its end and go live; return False when only a load can help."""
        while True:
            doubt_count = self._doubt_count
            try:
                page = await read_events(self._client, self._keys, projection.sequence)
            except DecodeError as error:
                _log.error("unreadable_stream", reason=str(error))
                return False
            behind = page.sequence - projection.sequence
            was_reset = behind < 0 or page.epoch < projection.epoch
            if was_reset or behind > FILL_EVENTS_MAX or (behind and not page.batches):
                return False
            projection.epoch = page.epoch
            try:
                for batch in page.batches:
                    await self._apply(batch)
            except SequenceBroken as gap:
                _log.warning("stream_gap", reason=str(gap))
                return False
            if page.is_last and await self._go_live(doubt_count):
                return True

    async def _go_live(self, doubt_count: int) -> bool:
        """Take over what came in the meantime; return False when the stream must be read again."""
        try:
            while self._backlog:
                await self._take(self._backlog.take())
        except SequenceBroken:
            return False
        if doubt_count != self._doubt_count:
            return False
        self._doubted = False
        return True

    # ---- accounts ----

    async def _account_loop(self) -> None:
        accounts = self._feed.hub.accounts
        retry_s = RETRY_MIN_S
        while True:
            await self._account_asked.wait()
            request = accounts.take_request() if self._feed.projection else None
            if request is None:
                self._account_asked.clear()
                continue
            account_id, asked = request
            try:
                answered = await self._answer_account(account_id, asked)
                self._account_reads_fail = False
                delay_s, retry_s = ACCOUNT_RETRY_S, RETRY_MIN_S
            except (redis.RedisError, OSError) as error:
                answered = False
                self._tell_account_reads_fail(error)
                delay_s, retry_s = retry_s, min(retry_s * 2, RETRY_MAX_S)
            if not answered:
                accounts.request_again(account_id, asked)
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))

    def _tell_account_reads_fail(self, error: Exception) -> None:
        if not self._account_reads_fail:
            _log.warning("account_read_failed", reason=str(error))
        self._account_reads_fail = True

    async def _answer_account(self, account_id: int, asked: dict[AccountListener, Reason]) -> bool:
        projection = self._feed.projection
        assert projection is not None, "accounts are read after the first load"
        assets, markets = list(projection.assets), len(projection.markets)
        rows = await read_account(
            self._client, self._keys, account_id, assets=assets, markets=markets
        )
        if rows is None or self._feed.projection is not projection:
            return False
        self._feed.answer_account(asked, rows)
        return True


def slices(batch: Sequence[Applied], events_max: int) -> Iterator[list[Applied]]:
    """Cut a batch into parts of at most `events_max` events, in order; entries are cut too."""
    part: list[Applied] = []
    room = events_max
    for applied in batch:
        events = applied.events
        while len(events) > room:
            part.append(Applied(applied.n, applied.at_ns, events[:room]))
            yield part
            events, part, room = events[room:], [], events_max
        part.append(Applied(applied.n, applied.at_ns, events))
        room -= len(events)
    if part:
        yield part
