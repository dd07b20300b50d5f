"""Publishing what a publisher has to say, through every reconnect.

The rule of this file: what was taken is kept until Redis has answered, and published again, in
order, on the next connection: who has had a part of it drops that by its numbers. With too much
unanswered nothing more is taken; the publisher gathers, within its bounds.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import hiredis
import redis

from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.publishing.publisher import Message, Publisher
from shared.redis_line import Command, Line
from shared.tasks import spawn, stop
from shared.wire import DecodeError

# What changes within so long is published in one pipeline, whose cost is 25 us and 2 us a message.
GATHER_S = 0.001
# Answers to what was flushed are read so late: each look costs as much as publishing ten messages,
# and they only let go of what is kept for a broken connection.
ANSWERS_S = 0.01
RETRY_MIN_S = 0.05
RETRY_MAX_S = 1.0  # Redis is ours and near: it comes back within a second or not at all.
ANSWER_TIMEOUT_S = 5.0  # Redis takes microseconds for a message; a later answer means trouble.
LAST_WORD_TIMEOUT_S = 0.5  # Without it, the channels are gone some seconds later.
# Written and not answered, with `flush`: Redis is some 50 ms behind, and the latest will do.
UNANSWERED_MAX = 5_000
UNANSWERED_BYTES_MAX = 4 << 20

_log = get_logger(__name__)


class PublisherLink:
    """Publishes for one publisher; `start` before and `close` after.

    What changes is published within a millisecond, together with whatever else has changed; or at
    once if `flush` is called.
    """

    def __init__(self, redis_url: str, keys: Keys, publisher: Publisher) -> None:
        self._url = redis_url
        self._publisher = publisher
        self._line: Line | None = None
        self._listener = Listener(redis_url, {keys.feeds_asked_channel: self._on_asked})
        self._work = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gathering: asyncio.TimerHandle | None = None  # Until what has changed is published.
        self._is_held = False  # Whoever says things now flushes them.
        self._settling: asyncio.TimerHandle | None = None  # Until answers are read.
        self._task: asyncio.Task[None] | None = None
        self._unanswered: deque[Message] = deque()
        self._unanswered_bytes = 0
        self.published = 0  # Messages that Redis has taken.
        self.unanswered_max = 0  # The high-water mark of what Redis had not confirmed.
        self.held_back = 0  # Times that `flush` did not write it at once.
        publisher.on_work = self._on_work

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._listener.start()
        self._task = spawn(self._run(), "publisher-link")

    async def close(self) -> None:
        """End; the channels cease to exist at once if Redis can be told so."""
        await stop(self._task)
        self._loop = None
        self._stop_waiting()
        await self._listener.close()
        was_connected = self.is_connected
        await self._hang_up()
        self._unanswered.clear()
        self._unanswered_bytes = 0
        for channel in tuple(self._publisher.channels.values()):
            self._publisher.close(channel)
        if was_connected:
            with suppress(redis.RedisError, OSError, TimeoutError):
                async with asyncio.timeout(LAST_WORD_TIMEOUT_S):
                    self._keep([self._publisher.alive()])
                    await self._settle(1, LAST_WORD_TIMEOUT_S)
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

    def hold(self) -> None:
        """Be told that `flush` follows what is said now: until then nothing else publishes it, and
        no timer has to be set for that.
        """
        self._is_held = True

    def flush(self) -> bool:
        """Publish at once what there is to say, without waiting; return whether it was written:
        the system has all of it, for a Redis of whose end nothing is known.

        If not, it is published as soon as possible, and what was not taken by then may be less:
        only the latest.
        """
        self._is_held = False
        is_behind = (
            len(self._unanswered) >= UNANSWERED_MAX
            or self._unanswered_bytes >= UNANSWERED_BYTES_MAX
        )
        if self._line is None or is_behind:
            self.held_back += 1
            self._on_work()
            return False
        taken = self._publisher.take(time.monotonic())
        self._stop_gathering()
        if taken:
            self._keep(taken)
            is_written = self._line.send(*_commands(taken))
            self.held_back += not is_written
            if self._settling is None and self._loop is not None:
                self._settling = self._loop.call_later(ANSWERS_S, self._work.set)
            return is_written
        return True

    @property
    def unanswered(self) -> int:
        """How many messages Redis has not confirmed yet."""
        return len(self._unanswered)

    def _on_work(self) -> None:
        if self._gathering is None and self._loop is not None and not self._is_held:
            self._gathering = self._loop.call_later(GATHER_S, self._work.set)

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _stop_waiting(self) -> None:
        self._stop_gathering()
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    async def _run(self) -> None:
        while True:
            due_in_s = max(self._publisher.due_s() - time.monotonic(), GATHER_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(due_in_s):
                    await self._work.wait()
            self._work.clear()
            self._stop_waiting()
            await self._publish_surely(self._publisher.take(time.monotonic()))

    async def _publish_surely(self, taken: list[Message]) -> None:
        delay_s = RETRY_MIN_S
        is_told = False
        self._keep(taken)
        if self._line is not None:
            self._line.send(*_commands(taken))
        while self._unanswered:
            try:
                await self._settle(len(self._unanswered), ANSWER_TIMEOUT_S)
                return
            except (redis.RedisError, OSError) as error:
                if not is_told:
                    _log.warning("publishing_interrupted", reason=str(error))
                is_told = True
                await self._hang_up()
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _settle(self, count: int, timeout_s: float) -> None:
        """Read the answers to so many messages; what comes meanwhile is for the next time."""
        if self._line is None:
            await self._connect()
        line = self._line
        assert line is not None, "whoever hangs up does not settle"
        while count > 0:
            answers = await line.read(timeout_s)
            if answers is None:
                raise redis.ConnectionError("Redis does not answer")
            for answer in answers:
                if isinstance(answer, hiredis.ReplyError):
                    raise redis.ResponseError(str(answer))
                self._unanswered_bytes -= len(self._unanswered.popleft()[1])
                self.published += 1
            count -= len(answers)

    async def _connect(self) -> None:
        line = Line(self._url)
        try:
            await line.open()
            line.send(*_commands(self._unanswered))
            self._line = line
        finally:
            if self._line is None:
                await line.close()

    def _keep(self, taken: list[Message]) -> None:
        self._unanswered.extend(taken)
        if len(self._unanswered) > self.unanswered_max:
            self.unanswered_max = len(self._unanswered)
        for _, said in taken:
            self._unanswered_bytes += len(said)

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()


def _commands(messages: Iterable[Message]) -> list[Command]:
    return [("PUBLISH", name, said) for name, said in messages]
