"""Hearing the producers of other channels, each only while somebody here listens.

The rule of this file: Redis is told of what is wanted, and forgets everything when a connection
ends. After each (re)connection the producers are asked where they are: whoever is not there any
more has missed something, and asks for an image of it. A channel is not gone because it was us who
heard nothing.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import redis

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import Topic
from broadcaster.outside.topics import default_of, made_for
from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.publishing import Ask, ChannelState, decode_alive, decode_publication, encode
from shared.publishing.following import Follower
from shared.publishing.names import NAME_CHARS_MAX
from shared.publishing.presence import Heard, Presence
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import DecodeError

ROUND_S = 0.25  # How often time is looked at: short against every wait below.
LINGER_S = 5.0  # Somebody who reconnects or changes a page finds the channel as it was.
IMAGE_RETRY_S = 1.0  # A producer answers within milliseconds, or is starting.
# Asked and not here yet. More at once, of some 50 KB each, could fill Redis's buffer for us (8 MiB
# for a minute, 32 MiB at all), and it would cut us off.
IMAGES_ASKED_MAX = 32
ASK_TIMEOUT_S = 2.0
UNREADABLE_TOLD_S = 10.0  # A producer that has gone wrong says thousands of things a second.
ASKING_CONNECTIONS_MAX = 2

_log = get_logger(__name__)


class _Lane:
    """One live channel: its topic, what feeds it, and whether Redis sends it to us."""

    def __init__(self, address: str, topic: Topic, follower: Follower) -> None:
        self.address = address
        self.topic = topic
        self.follower = follower
        self.is_confirmed = False  # Redis has said yes, so an image that is asked for arrives.
        self.unwanted_at_s = math.inf  # Since when nobody listens.
        self.asked_at_s = -math.inf


class Upstream:
    """Keeps the channels of other producers in the hub; `start` before and `close` after."""

    def __init__(
        self,
        redis_url: str,
        keys: Keys,
        hub: Hub,
        cadence: Cadence,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._hub = hub
        self._cadence = cadence
        self._clock = clock
        self._presence = Presence()
        self._lanes: dict[str, _Lane] = {}  # By channel, all that are live.
        self._open: dict[str, _Lane] = {}  # Those that Redis was asked for, by address.
        self._behind: dict[str, _Lane] = {}  # Those that want an image.
        self._listener = Listener(
            redis_url,
            {keys.feeds_channel: self._on_alive},
            on_gap=self._on_gap,
            on_subscribed=self._on_subscribed,
        )
        self._client = connect_async(
            redis_url, timeout_s=ASK_TIMEOUT_S, pool_size_max=ASKING_CONNECTIONS_MAX
        )
        self._work = asyncio.Event()
        self._is_alive_asked = False
        self._asks_fail = False  # Told once; Redis being away is told by others too.
        self._task: asyncio.Task[None] | None = None
        self._ended_gaps = 0
        self._images_asked = 0
        self._unreadable = 0
        self._unreadable_told_s = -math.inf

    async def start(self) -> None:
        self._task = spawn(self._run(), "outside")
        await self._listener.start()

    async def close(self) -> None:
        await self._listener.close()
        await stop(self._task)
        await self._client.aclose()

    def metrics(self) -> dict[str, int]:
        """Return how many channels are live and how many of them Redis sends us, and what was
        missed.
        """
        gaps = sum(lane.follower.gap_count for lane in self._lanes.values())
        return {
            "outside_channels": len(self._lanes),
            "upstream_channels": len(self._open),
            "outside_gaps": self._ended_gaps + gaps,
            "outside_images_asked": self._images_asked,
            "outside_unreadable": self._unreadable,
        }

    # ---- which channels there are ----

    def _on_alive(self, data: bytes) -> None:
        try:
            alive = decode_alive(data)
        except DecodeError as error:
            self._note_unreadable(self._keys.feeds_channel, error)
            return
        heard = self._presence.hear(alive, self._clock())
        for name, sentence in heard.refused.items():
            _log.warning(
                "channel_refused",
                channel=name[:NAME_CHARS_MAX],
                producer=alive.producer[:NAME_CHARS_MAX],
                reason=sentence,
            )
        self._change(heard)

    def _change(self, heard: Heard) -> None:
        self._remove(heard.gone)
        for state in heard.came:
            self._add(state)
        for state in heard.states:
            lane = self._lanes[state.channel]
            lane.topic.default = default_of(state)
            if lane.address in self._open:
                lane.follower.hear(state.sequence)
                self._look_after(lane)

    def _add(self, state: ChannelState) -> None:
        topic, follower = made_for(state, self._cadence)
        address = self._keys.feed_channel(self._presence.owners[state.channel], state.channel)
        lane = self._lanes[state.channel] = _Lane(address, topic, follower)
        topic.on_wanted = lambda is_wanted: self._want(lane, is_wanted=is_wanted)
        self._hub.put_topic(topic)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            lane = self._lanes[name]
            self._hub.remove_topic(name)
            self._shut(lane)
            del self._lanes[name]
            self._ended_gaps += lane.follower.gap_count

    # ---- who listens here ----

    def _want(self, lane: _Lane, *, is_wanted: bool) -> None:
        lane.unwanted_at_s = math.inf if is_wanted else self._clock()
        if is_wanted and lane.address not in self._open:
            self._open[lane.address] = lane
            self._listener.add(lane.address, lambda data: self._on_publication(lane, data))

    def _shut(self, lane: _Lane) -> None:
        """Hear nothing more of a channel, and show nothing of it to who comes later."""
        self._behind.pop(lane.topic.name, None)
        if self._open.pop(lane.address, None) is not None:
            lane.is_confirmed = lane.topic.is_loaded = False
            lane.asked_at_s = -math.inf
            lane.follower.forget()
            self._listener.leave(lane.address)

    # ---- what is said on a channel ----

    def _on_publication(self, lane: _Lane, data: bytes) -> None:
        try:
            said = decode_publication(data)
        except DecodeError as error:
            self._note_unreadable(lane.address, error)
            return
        lane.follower.take(said)
        self._look_after(lane)

    def _look_after(self, lane: _Lane) -> None:
        name = lane.topic.name
        if lane.follower.is_behind:
            if lane.is_confirmed and name not in self._behind:
                self._behind[name] = lane
                self._work.set()
        elif self._behind.pop(name, None) is not None:
            lane.asked_at_s = -math.inf
            self._work.set()  # There is room for another one.

    def _on_subscribed(self, address: str) -> None:
        lane = self._open.get(address)
        if lane is not None:
            lane.is_confirmed = True
            self._look_after(lane)

    def _on_gap(self) -> None:
        self._presence.begin_again(self._clock())
        self._is_alive_asked = True
        for lane in self._open.values():
            lane.is_confirmed = True
            lane.asked_at_s = -math.inf
            self._look_after(lane)
        self._work.set()

    def _note_unreadable(self, address: str, error: DecodeError) -> None:
        self._unreadable += 1
        now_s = self._clock()
        if now_s - self._unreadable_told_s >= UNREADABLE_TOLD_S:
            self._unreadable_told_s = now_s
            reason = str(error)[:NAME_CHARS_MAX]
            _log.warning(
                "publication_unreadable", channel=address, count=self._unreadable, reason=reason
            )

    # ---- what is asked, and what time brings ----

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._work.wait()
            self._work.clear()
            now_s = self._clock()
            if self._listener.connected:
                self._remove(self._presence.pass_time(now_s))
                await self._ask(now_s)
            for lane in list(self._open.values()):
                if now_s - lane.unwanted_at_s >= LINGER_S:
                    self._shut(lane)

    async def _ask(self, now_s: float) -> None:
        asks: list[Ask] = []
        if self._is_alive_asked:
            asks.append(Ask())
        due = self._due(now_s)
        if due:
            asks.append(Ask(tuple(due)))
        try:
            for ask in asks:
                await self._client.publish(self._keys.feeds_asked_channel, encode(ask))
        except (redis.RedisError, OSError) as error:
            if not self._asks_fail:
                _log.warning("ask_failed", reason=str(error))
            self._asks_fail = True
            return
        self._asks_fail = self._is_alive_asked = False
        self._images_asked += len(due)

    def _due(self, now_s: float) -> list[str]:
        """Return the channels to ask images of now, as many as may be on their way at once."""
        asked_after_s = now_s - IMAGE_RETRY_S
        room = IMAGES_ASKED_MAX - sum(
            lane.asked_at_s > asked_after_s and not lane.follower.image_is_small
            for lane in self._behind.values()
        )
        due: list[str] = []
        for name, lane in list(self._behind.items()):
            is_large = not lane.follower.image_is_small
            if lane.asked_at_s <= asked_after_s and (room > 0 or not is_large):
                room -= is_large
                lane.asked_at_s = now_s
                self._behind[name] = self._behind.pop(name)  # The others have their turn first.
                due.append(name)
        return due
