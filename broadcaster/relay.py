"""Following the venue: live batches, and the event stream wherever a live one is missing.

The rule of this file: the live channel only makes it fast; what is true is in the stream and the
rows. Every doubt (a gap, a reconnect, a heartbeat ahead of us) ends in reading the stream from
where we are, and a stream that no longer reaches back there ends in loading the rows and telling
everybody.
"""

import asyncio
import random
from collections import deque

import redis

from broadcaster.book import SequenceBroken
from broadcaster.feed import Feed
from broadcaster.hub import AccountListener
from broadcaster.messages import Reason
from broadcaster.projection import Projection
from broadcaster.reader import read_account, read_events, read_venue
from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import DecodeError, decode_batch

LIVE_BATCHES_MAX = 1_024  # Kept while filling; older ones are in the stream anyway.
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
        self._live: deque[bytes] = deque(maxlen=LIVE_BATCHES_MAX)
        self._doubted = asyncio.Event()
        self._doubt_count = 0  # A doubt that comes while we read asks for one more reading.
        self._account_asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.fill_count = 0
        feed.hub.accounts.on_request = self._account_asked.set

    async def start(self) -> None:
        self._tasks = [spawn(self._fill_loop(), "relay-fill")]
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
        return self._listener.connected and self._feed.hub.ready and not self._doubted.is_set()

    # ---- the live channels ----

    def _on_batch(self, data: bytes) -> None:
        if self._doubted.is_set():
            self._live.append(data)
            return
        try:
            self._feed.apply(decode_batch(data))
        except DecodeError as error:
            _log.error("unreadable_batch", reason=str(error))
            self._doubt()
        except SequenceBroken as gap:
            _log.info("gap", reason=str(gap))
            self._live.append(data)
            self._doubt()

    def _on_heartbeat(self, data: bytes) -> None:
        projection = self._feed.projection
        epoch, sequence = (int(word) for word in data.split())
        if projection is None or (epoch, sequence) != (projection.epoch, projection.sequence):
            self._doubt()

    def _doubt(self) -> None:
        self._doubt_count += 1
        self._doubted.set()

    # ---- repair ----

    async def _fill_loop(self) -> None:
        delay_s = RETRY_MIN_S
        while True:
            await self._doubted.wait()
            try:
                await self._fill()
                delay_s = RETRY_MIN_S
            except (redis.RedisError, OSError) as error:
                _log.warning("fill_failed", reason=str(error))
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
                delay_s = min(delay_s * 2, RETRY_MAX_S)

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
            page = await read_events(self._client, self._keys, projection.sequence)
            behind = page.sequence - projection.sequence
            was_reset = behind < 0 or page.epoch < projection.epoch
            if was_reset or behind > FILL_EVENTS_MAX or (behind and not page.batches):
                return False
            projection.epoch = page.epoch
            try:
                for batch in page.batches:
                    self._feed.apply(batch)
            except SequenceBroken as gap:
                _log.warning("stream_gap", reason=str(gap))
                return False
            if page.is_last and doubt_count == self._doubt_count and self._go_live():
                return True

    def _go_live(self) -> bool:
        """Take over what came in the meantime; return False when the stream must be read again."""
        try:
            while self._live:
                self._feed.apply(decode_batch(self._live.popleft()))
        except SequenceBroken:
            return False
        self._doubted.clear()
        return True

    # ---- accounts ----

    async def _account_loop(self) -> None:
        accounts = self._feed.hub.accounts
        while True:
            await self._account_asked.wait()
            request = accounts.take_request() if self._feed.projection else None
            if request is None:
                self._account_asked.clear()
                continue
            account_id, asked = request
            if not await self._answer_account(account_id, asked):
                accounts.request_again(account_id, asked)
                await asyncio.sleep(ACCOUNT_RETRY_S)

    async def _answer_account(self, account_id: int, asked: dict[AccountListener, Reason]) -> bool:
        projection = self._feed.projection
        assert projection is not None, "accounts are read after the first load"
        assets, markets = list(projection.assets), len(projection.markets)
        try:
            rows = await read_account(
                self._client, self._keys, account_id, assets=assets, markets=markets
            )
        except (redis.RedisError, OSError) as error:
            _log.warning("account_read_failed", reason=str(error))
            return False
        if rows is None or self._feed.projection is not projection:
            return False
        self._feed.answer_account(asked, rows)
        return True
