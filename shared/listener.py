"""Listening to Redis channels, through every reconnect.

The rule of this file: pub/sub forgets. After each (re)connection `on_gap` is called before any
message, because nobody can say what was published in between.
"""

import asyncio
import random
from collections.abc import Callable, Mapping

import redis
import redis.asyncio
from redis.asyncio.client import PubSub

from shared.logs import get_logger
from shared.redis_client import connect_async
from shared.tasks import spawn, stop

RECONNECT_MIN_S = 0.05
RECONNECT_MAX_S = 1.0  # Redis is ours and near: it comes back within a second or not at all.
SILENCE_MAX_S = 5.0  # Heartbeats come every lease third; after this the connection is suspect.

_log = get_logger(__name__)

Handler = Callable[[bytes], None]


class Listener:
    """Calls a handler, synchronously and in order, for every message on its channels."""

    def __init__(
        self,
        redis_url: str,
        handlers: Mapping[str, Handler],
        *,
        on_gap: Callable[[], None] | None = None,
    ) -> None:
        self._url = redis_url
        self._handlers = {name.encode(): handler for name, handler in handlers.items()}
        self._on_gap = on_gap
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.connected = False  # Whether the subscription stands, as far as the socket tells.

    async def start(self) -> None:
        self._task = spawn(self._run(), "listener")

    async def close(self) -> None:
        self._stopped = True
        await stop(self._task)

    async def _run(self) -> None:
        delay_s = RECONNECT_MIN_S
        while not self._stopped:
            client = connect_async(self._url)
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(*self._handlers)
                    await self._listen(pubsub)
            except (redis.RedisError, OSError) as error:
                if self.connected:
                    _log.warning("subscription_lost", reason=str(error))
                    delay_s = RECONNECT_MIN_S
            finally:
                self.connected = False
                await client.aclose()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    async def _listen(self, pubsub: PubSub) -> None:
        subscriptions_due = len(self._handlers)
        asked = False
        while not self._stopped:
            message = await pubsub.get_message(timeout=SILENCE_MAX_S)
            if message is None:
                if asked or not self.connected:
                    raise redis.ConnectionError("the channel is silent")
                await pubsub.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "message":
                self._handlers[message["channel"]](message["data"])
            elif message["type"] == "subscribe":
                subscriptions_due -= 1
                # One more than ours means that the client has reconnected behind our back.
                if subscriptions_due < 0:
                    raise redis.ConnectionError("the subscription was renewed")
                if subscriptions_due == 0:
                    self._stand()

    def _stand(self) -> None:
        self.connected = True
        if self._on_gap is not None:
            self._on_gap()
