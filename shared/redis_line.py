"""One connection to Redis whose replies are read many at a time.

The rule of this file: it says what was written and what came, and repeats nothing. redis-py takes
some 6 us to hand over one message of a subscription, and 10 us to publish one in a pipeline; whole
chunks through the same parser cost a tenth of that, and some processes pass on 20,000 a second.
Making the connection (TLS, password, sockets) stays with redis-py.
"""

import asyncio
from typing import Any

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection

from shared.redis_client import connect_async

# At most some 150 messages of a market between two looks at everything else there is to do.
CHUNK_BYTES = 16_384

Command = tuple[bytes | str, ...]
Reply = Any  # What hiredis makes: bytes, int, None, a list of these, or a ReplyError.


class Line:
    """A connection of its own; `open` before and `close` after."""

    def __init__(self, redis_url: str) -> None:
        self._client: redis.asyncio.Redis = connect_async(redis_url, pool_size_max=1)
        self._connection: AbstractConnection | None = None
        # The usual mark for "no more" is False, which is equal to a reply of 0.
        self._no_more = object()
        self._replies = hiredis.Reader(notEnoughData=self._no_more)

    async def open(self) -> None:
        """Connect; raises redis.RedisError or OSError."""
        self._connection = self._client.connection_pool.make_connection()
        await self._connection.connect()
        if self._connection._writer is not None:
            # uvloop gathers what is written until the end of its turn, unless that is too much:
            # with this, whatever is written has left when `send` returns.
            self._connection._writer.transport.set_write_buffer_limits(high=0)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)
        await self._client.aclose()

    def send(self, *commands: Command) -> bool:
        """Write commands in one go, without waiting, and return whether they were written: the
        system has taken all of them, and nothing is known yet of an end of the line.

        If not, they wait behind what it has not taken, or are lost with the line: `read` tells.
        """
        if self._connection is None or self._connection._writer is None:
            return False
        transport, reader = self._connection._writer.transport, self._connection._reader
        try:
            self._connection._writer.write(b"".join(map(_pack, commands)))
        except (RuntimeError, OSError):  # uvloop says RuntimeError of a transport that has ended.
            return False
        has_ended = transport.is_closing() or reader is None or reader.at_eof()
        return not has_ended and transport.get_write_buffer_size() == 0

    async def read(self, timeout_s: float) -> list[Reply] | None:
        """Return the replies that have come, none if only a part of one; None after a silence.

        Raises redis.ConnectionError when the line is dead.
        """
        if self._connection is None or self._connection._reader is None:
            raise redis.ConnectionError("the line is closed")
        try:
            async with asyncio.timeout(timeout_s):
                chunk = await self._connection._reader.read(CHUNK_BYTES)
        except TimeoutError:
            return None
        if not chunk:
            raise redis.ConnectionError("Redis closed the connection")
        if len(chunk) == CHUNK_BYTES:
            await asyncio.sleep(0)  # There is more, and `read` would not have waited for it.
        try:
            self._replies.feed(chunk)
            return list(iter(self._replies.gets, self._no_more))
        except hiredis.ProtocolError as error:
            raise redis.ConnectionError(str(error)) from error

    async def ask(self, commands: list[Command], timeout_s: float) -> list[Reply]:
        """Write commands and return their replies; raises redis.RedisError, also of a reply."""
        self.send(*commands)
        replies: list[Reply] = []
        while len(replies) < len(commands):
            came = await self.read(timeout_s)
            if came is None:
                raise redis.ConnectionError("Redis does not answer")
            replies += came
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise redis.ResponseError(str(reply))
        return replies


def _pack(words: Any) -> bytes:
    # hiredis declares that a command has one word; it takes any number.
    packed: bytes = hiredis.pack_command(words)
    return packed
