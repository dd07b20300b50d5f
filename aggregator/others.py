"""The books and trades of the other aggregators, for the one that consolidates.

The rule of this file: another process's book is in the consolidated book only while it can be
heard. When that process is silent, or Redis was away, its books are left out at once, and come back
with an image. Nothing is done here to the books of this process.
"""

import asyncio
import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import redis

from aggregator.merge.remote import RemoteBook
from aggregator.outlet.consolidated import ConsolidatedOutlet
from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.publishing import Ask, Kind, LogEntry, decode_alive, decode_publication, encode
from shared.publishing.following import BookFollower, Follower, LogFollower
from shared.publishing.presence import Heard, Presence
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import DecodeError

# Three heartbeats: so long a killed process's books stay in, at most.
SILENCE_MAX_S = 3.0
ROUND_S = 0.25
IMAGE_RETRY_S = 1.0  # A producer answers within milliseconds, or is starting.
IMAGES_ASKED_MAX = 32  # At once; each is some 50 KB.
ASK_TIMEOUT_S = 2.0
GONE = "the process that follows it is not heard"

_PRODUCER = re.compile(r"aggregator(-[0-9]+)?")
_CHANNEL = re.compile(r"(book|trades):([a-z0-9-]+:[a-z0-9-]+:[A-Z0-9./-]+)")

_log = get_logger(__name__)


class _Tape:
    """A sink of another process's trades: each goes on the consolidated tape, once. It outlives
    the silences of that process, as only it knows what was said before.
    """

    def __init__(self, book: str, add: Callable[[str, int, bytes], None], since_ns: int) -> None:
        self._book = book
        self._add = add
        self._last_ns = since_ns

    def show(self, _sequence: int, entries: Sequence[LogEntry], _reason: str) -> None:
        """Take what an image has beyond what is known: some may have been missed."""
        for entry in entries:
            if entry.at_ns > self._last_ns:
                self.follow(entry)

    def follow(self, entry: LogEntry) -> None:
        self._last_ns = entry.at_ns
        self._add(self._book, entry.at_ns, entry.data)


class _Lane:
    def __init__(self, name: str, address: str, follower: Follower) -> None:
        self.name = name
        self.address = address
        self.follower = follower
        self.book: RemoteBook | None = None
        self.is_confirmed = False  # Redis has said yes, so an image that is asked for arrives.
        self.asked_at_s = -math.inf


class Others:
    """Follows every aggregator but this one; `start` before and `close` after.

    `on_changed` is called when there is something to publish; it gathers.
    """

    def __init__(
        self,
        redis_url: str,
        keys: Keys,
        ours: str,
        consolidated: ConsolidatedOutlet,
        on_changed: Callable[[], None],
    ) -> None:
        self._keys = keys
        self._ours = ours
        self._consolidated = consolidated
        self._on_changed = on_changed
        self._presence = Presence(SILENCE_MAX_S)
        self._lanes: dict[str, _Lane] = {}  # By channel.
        self._by_address: dict[str, _Lane] = {}
        self._tapes: dict[str, _Tape] = {}  # By book, also of those that are gone; they are few.
        self._is_deaf = False  # Nothing can be heard, and what was heard is left out.
        self._listener = Listener(
            redis_url,
            {keys.feeds_channel: self._on_alive},
            on_gap=self._on_gap,
            on_subscribed=self._on_subscribed,
        )
        self._client = connect_async(redis_url, timeout_s=ASK_TIMEOUT_S, pool_size_max=1)
        self._started_ns = time.time_ns()
        self._is_alive_asked = False
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.unreadable = 0

    async def start(self) -> None:
        self._task = spawn(self._run(), "aggregator-others")
        await self._listener.start()

    async def close(self) -> None:
        await self._listener.close()
        await stop(self._task)
        await self._client.aclose()

    def counts(self) -> dict[str, int]:
        """Return how much of the others is followed, and what of it is or was missed."""
        return {
            "channels": len(self._lanes),
            "behind": sum(lane.follower.is_behind for lane in self._lanes.values()),
            "gaps": sum(lane.follower.gap_count for lane in self._lanes.values()),
            "unreadable": self.unreadable,
        }

    # ---- who is there ----

    def _on_alive(self, data: bytes) -> None:
        try:
            alive = decode_alive(data)
        except DecodeError:
            self.unreadable += 1
            return
        if alive.producer == self._ours or not _PRODUCER.fullmatch(alive.producer):
            return
        self._change(self._presence.hear(alive, time.monotonic()))

    def _change(self, heard: Heard) -> None:
        for name in heard.gone:
            self._remove(name)
        for state in heard.came:
            match = _CHANNEL.fullmatch(state.channel)
            if match is not None and state.kind is _KINDS[match[1]]:
                self._add(state.channel, match[1], match[2])
        for state in heard.states:
            lane = self._lanes.get(state.channel)
            if lane is not None and lane.is_confirmed:
                lane.follower.hear(state.sequence)
                self._look_after(lane)

    def _add(self, channel: str, kind: str, book: str) -> None:
        address = self._keys.feed_channel(self._presence.owners[channel], channel)
        if kind == "book":
            shown = RemoteBook(book, self._consolidated.merger)
            lane = _Lane(channel, address, BookFollower(shown))
            lane.book = shown
        else:
            self._consolidated.add_book(book)
            tape = self._tapes.get(book)
            if tape is None:
                tape = _Tape(book, self._consolidated.say_trade, self._started_ns)
                self._tapes[book] = tape
            lane = _Lane(channel, address, LogFollower(tape))
        self._lanes[channel] = self._by_address[address] = lane
        self._listener.add(address, lambda data: self._on_publication(lane, data))

    def _remove(self, name: str) -> None:
        lane = self._lanes.pop(name, None)
        if lane is None:
            return
        del self._by_address[lane.address]
        self._listener.leave(lane.address)
        self._lose(lane)

    def _lose(self, lane: _Lane) -> None:
        if lane.book is not None:
            lane.book.lose(GONE, time.time_ns())
            self._on_changed()

    # ---- what they say ----

    def _on_publication(self, lane: _Lane, data: bytes) -> None:
        try:
            lane.follower.take(decode_publication(data))
        except DecodeError:
            self.unreadable += 1
            return
        self._look_after(lane)
        self._on_changed()

    def _look_after(self, lane: _Lane) -> None:
        book = lane.book
        if book is not None and book.is_unreadable:
            lane.follower.forget()
        if lane.follower.is_behind:
            if book is not None and not book.is_unreadable:
                # What was missed may be anything: it is out until the image comes.
                self._lose(lane)
            self._work.set()
        else:
            lane.asked_at_s = -math.inf

    def _on_subscribed(self, address: str) -> None:
        lane = self._by_address.get(address)
        if lane is not None:
            lane.is_confirmed = True
            self._work.set()

    def _on_gap(self) -> None:
        self._presence.begin_again(time.monotonic())
        self._is_deaf = False
        self._is_alive_asked = True
        for lane in self._lanes.values():
            lane.is_confirmed = True
            lane.asked_at_s = -math.inf
            if lane.book is not None:
                # Of a tape the numbers tell what is missing.
                lane.follower.forget()
                self._lose(lane)
        self._work.set()

    def _go_deaf(self) -> None:
        # What is published once Redis is back must not have in it what was so before it went.
        self._is_deaf = True
        for lane in self._lanes.values():
            self._lose(lane)

    # ---- what is asked, and what time brings ----

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._work.wait()
            self._work.clear()
            if self._listener.connected:
                for name in self._presence.pass_time(time.monotonic()):
                    self._remove(name)
                await self._ask()
                await asyncio.sleep(0)
            elif not self._is_deaf:
                self._go_deaf()

    async def _ask(self) -> None:
        asks = [Ask()] if self._is_alive_asked else []
        names = self._due(time.monotonic())
        if names:
            asks.append(Ask(tuple(names)))
        try:
            for ask in asks:
                await self._client.publish(self._keys.feeds_asked_channel, encode(ask))
        except (redis.RedisError, OSError) as error:
            _log.warning("ask_failed", reason=str(error))
            return
        self._is_alive_asked = False

    def _due(self, now_s: float) -> list[str]:
        behind = [
            lane for lane in self._lanes.values() if lane.is_confirmed and lane.follower.is_behind
        ]
        waiting = sum(now_s - lane.asked_at_s < IMAGE_RETRY_S for lane in behind)
        due = [lane for lane in behind if now_s - lane.asked_at_s >= IMAGE_RETRY_S]
        due.sort(key=lambda lane: lane.asked_at_s)
        asked = due[: max(IMAGES_ASKED_MAX - waiting, 0)]
        for lane in asked:
            lane.asked_at_s = now_s
        return [lane.name for lane in asked]


_KINDS = {"book": Kind.BOOK, "trades": Kind.LOG}
