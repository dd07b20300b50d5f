"""Publishing what a publisher has to say, through every reconnect.

The rule of this file: what was taken is published, in order, before anything else is taken. A
pipeline that was cut off is published again as a whole: who has had a part of it drops that by its
numbers. Meanwhile the publisher gathers, within its bounds.
"""

import asyncio
import random
import time
from contextlib import suppress

import redis

from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.publishing.publisher import Message, Publisher
from shared.redis_line import Line
from shared.tasks import spawn, stop
from shared.wire import DecodeError

# What changes within so long is published in one pipeline, whose cost is 25 us and 2 us a message.
GATHER_S = 0.001
RETRY_MIN_S = 0.05
RETRY_MAX_S = 1.0  # Redis is ours and near: it comes back within a second or not at all.
ANSWER_TIMEOUT_S = 5.0  # Redis takes microseconds for a message; a later answer means trouble.
LAST_WORD_TIMEOUT_S = 0.5  # Without it, the channels are gone some seconds later.

_log = get_logger(__name__)


class PublisherLink:
    """Publishes for one publisher; `start` before and `close` after."""

    def __init__(self, redis_url: str, keys: Keys, publisher: Publisher) -> None:
        self._url = redis_url
        self._publisher = publisher
        self._line: Line | None = None
        self._listener = Listener(redis_url, {keys.feeds_asked_channel: self._on_asked})
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.published = 0  # Messages that Redis has taken.
        publisher.on_work = self._work.set

    async def start(self) -> None:
        await self._listener.start()
        self._task = spawn(self._run(), "publisher-link")

    async def close(self) -> None:
        """End; the channels cease to exist at once if Redis can be told so."""
        await stop(self._task)
        await self._listener.close()
        was_connected = self.is_connected
        await self._hang_up()
        for channel in tuple(self._publisher.channels.values()):
            self._publisher.close(channel)
        if was_connected:
            with suppress(redis.RedisError, OSError, TimeoutError):
                async with asyncio.timeout(LAST_WORD_TIMEOUT_S):
                    await self._publish([self._publisher.alive()], LAST_WORD_TIMEOUT_S)
        await self._hang_up()

    @property
    def is_connected(self) -> bool:
        """Whether messages are being published, as far as the socket tells."""
        return self._line is not None

    def _on_asked(self, payload: bytes) -> None:
        try:
            self._publisher.asked(payload)
        except DecodeError as error:
            _log.warning("ask_unreadable", reason=str(error))

    async def _run(self) -> None:
        while True:
            due_in_s = self._publisher.due_s() - time.monotonic()
            if due_in_s > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(due_in_s):
                        await self._work.wait()
            self._work.clear()
            taken = self._publisher.take(time.monotonic())
            if taken:
                await self._publish_surely(taken)
            await asyncio.sleep(GATHER_S)

    async def _publish_surely(self, taken: list[Message]) -> None:
        delay_s = RETRY_MIN_S
        is_told = False
        while True:
            try:
                return await self._publish(taken, ANSWER_TIMEOUT_S)
            except (redis.RedisError, OSError) as error:
                if not is_told:
                    _log.warning("publishing_interrupted", reason=str(error))
                is_told = True
                await self._hang_up()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _publish(self, taken: list[Message], timeout_s: float) -> None:
        if self._line is None:
            line = Line(self._url)
            try:
                await line.open()
                self._line = line
            finally:
                if self._line is None:
                    await line.close()
        await self._line.ask([("PUBLISH", name, said) for name, said in taken], timeout_s)
        self.published += len(taken)

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()
