"""Listening to Redis channels, through every reconnect.

The rule of this file: pub/sub forgets. After each (re)connection `on_gap` is called before any
message, because nobody can say what was published in between.
"""

import asyncio
import random
from collections.abc import Callable, Mapping

import redis

from shared.logs import get_logger
from shared.redis_line import Line, Reply
from shared.tasks import spawn, stop

RECONNECT_MIN_S = 0.05
RECONNECT_MAX_S = 1.0  # Redis is ours and near: it comes back within a second or not at all.
SILENCE_MAX_S = 5.0  # Heartbeats come every lease third; after this the connection is suspect.

_log = get_logger(__name__)

Handler = Callable[[bytes], None]


class Listener:
    """Calls a handler, synchronously and in order, for every message on its channels.

    Channels may be added and left while it runs: `on_subscribed` is called with the name of an
    added one before any message of it, unless the gap of a new connection says the same.
    """

    def __init__(
        self,
        redis_url: str,
        handlers: Mapping[str, Handler],
        *,
        on_gap: Callable[[], None] | None = None,
        on_subscribed: Callable[[str], None] | None = None,
    ) -> None:
        self._url = redis_url
        self._handlers = {name.encode(): handler for name, handler in handlers.items()}
        self._on_gap = on_gap
        self._on_subscribed = on_subscribed
        self._line: Line | None = None  # Once the channels have been asked for.
        self._unconfirmed: set[bytes] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.connected = False  # Whether the subscription stands, as far as the socket tells.

    async def start(self) -> None:
        self._task = spawn(self._run(), "listener")

    async def close(self) -> None:
        self._stopped = True
        await stop(self._task)

    def add(self, channel: str, handler: Handler) -> None:
        """Hear one more channel; it does not wait."""
        name = channel.encode()
        self._handlers[name] = handler
        if self._line is not None:
            self._unconfirmed.add(name)
            self._line.send((b"SUBSCRIBE", name))

    def leave(self, channel: str) -> None:
        """Hear nothing more of a channel; it does not wait."""
        name = channel.encode()
        if self._handlers.pop(name, None) is not None and self._line is not None:
            self._line.send((b"UNSUBSCRIBE", name))

    async def _run(self) -> None:
        delay_s = RECONNECT_MIN_S
        while not self._stopped:
            line = Line(self._url)
            try:
                await line.open()
                await self._listen(line)
            except (redis.RedisError, OSError) as error:
                if self.connected:
                    _log.warning("subscription_lost", reason=str(error))
                    delay_s = RECONNECT_MIN_S
            finally:
                self.connected = False
                self._line = None
                await line.close()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    async def _listen(self, line: Line) -> None:
        self._unconfirmed = set(self._handlers)
        line.send((b"SUBSCRIBE", *self._handlers))
        self._line = line
        asked = False
        while not self._stopped:
            replies = await line.read(SILENCE_MAX_S)
            if replies is None:
                if asked or not self.connected:
                    raise redis.ConnectionError("the channel is silent")
                line.send((b"PING",))
                asked = True
                continue
            asked = False
            for reply in replies:
                self._hear(reply)

    def _hear(self, reply: Reply) -> None:
        if not isinstance(reply, list):
            raise redis.ResponseError(str(reply))
        if reply[0] == b"message":
            # What comes before the gap is told is part of it, and a channel that was left has some
            # more to say at first.
            handler = self._handlers.get(reply[1]) if self.connected else None
            if handler is not None:
                handler(reply[2])
        elif reply[0] == b"subscribe":
            self._confirm(reply[1])

    def _confirm(self, name: bytes) -> None:
        self._unconfirmed.discard(name)
        if self.connected:
            if self._on_subscribed is not None and name in self._handlers:
                self._on_subscribed(name.decode())
        elif not self._unconfirmed:
            self.connected = True
            if self._on_gap is not None:
                self._on_gap()
