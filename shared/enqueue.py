"""Putting payloads on the journal, many at a time, over one connection of its own.

The rule of this file: it always knows whether a payload was certainly not written. Connecting is
one step and sending another, so a failure before the send is a refusal and only a failure after it
is unknown.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection

from shared.channels import Keys
from shared.outcomes import NotAccepted, Refusal, Unknown
from shared.redis_client import connect_async
from shared.scripts import Script, load_script

ENQUEUE_TIMEOUT_S = 1.5  # A healthy script call takes about a millisecond, a disk's hiccup tens.
PAYLOADS_PER_CALL_MAX = 512  # More only adds latency: the engine's batches are no larger.


@dataclass(frozen=True, slots=True)
class Journalled:
    """The payloads are journal entries first_n, first_n + 1, ... on disk."""

    first_n: int


class Enqueuer:
    """One connection that appends to the journal of one venue; not safe for concurrent calls."""

    def __init__(self, redis_url: str, keys: Keys, *, backlog_commands_max: int) -> None:
        self._client = connect_async(redis_url, timeout_s=ENQUEUE_TIMEOUT_S)
        self._keys = (keys.n, keys.journal, keys.meta)
        self._backlog_commands_max = backlog_commands_max
        self._connection: AbstractConnection | None = None
        self._script: Script | None = None
        self.timed_out = False  # Whether the last call ended because nothing came for too long.

    async def enqueue(self, payloads: Sequence[bytes]) -> Journalled | NotAccepted | Unknown:
        """Append all payloads or none; at most PAYLOADS_PER_CALL_MAX of them."""
        assert 0 < len(payloads) <= PAYLOADS_PER_CALL_MAX, "a call carries a bounded batch"
        self.timed_out = False
        try:
            async with asyncio.timeout(ENQUEUE_TIMEOUT_S):
                connection, script = await self._connected()
        except (redis.RedisError, OSError) as error:
            self.timed_out = isinstance(error, redis.TimeoutError | TimeoutError)
            await self._disconnect()
            return NotAccepted(Refusal.REDIS_UNAVAILABLE, f"Redis cannot be reached: {error}")
        try:
            return await self._send(connection, script, payloads)
        except redis.ResponseError as error:
            return NotAccepted(Refusal.REDIS_UNAVAILABLE, f"Redis refused the write: {error}")
        except (redis.RedisError, OSError) as error:
            self.timed_out = isinstance(error, redis.TimeoutError | TimeoutError)
            await self._disconnect()
            return Unknown()

    async def _send(
        self, connection: AbstractConnection, script: Script, payloads: Sequence[bytes]
    ) -> Journalled | NotAccepted:
        head = ("EVALSHA", script.sha, len(self._keys), *self._keys, self._backlog_commands_max)
        # The client's own packer takes twice as long; this one's annotation allows one argument.
        call = hiredis.pack_command((*head, *payloads))  # type: ignore[arg-type]
        try:
            await connection.send_packed_command(call)
            return _outcome(await connection.read_response())
        except redis.exceptions.NoScriptError:  # The server lost its scripts, so nothing was run.
            await _load(connection, script)
            await connection.send_packed_command(call)
            return _outcome(await connection.read_response())

    async def close(self) -> None:
        await self._disconnect()
        await self._client.aclose()

    async def _connected(self) -> tuple[AbstractConnection, Script]:
        if self._connection is None or self._script is None:
            connection = self._client.connection_pool.make_connection()
            self._connection = connection
            await connection.connect()
            script = load_script("shared", "enqueue")
            await _load(connection, script)
            self._script = script
        elif not self._connection.is_connected or await self._connection.can_read():
            # The server closed the connection while it was idle; nothing of ours was under way.
            await self._disconnect()
            return await self._connected()
        return self._connection, self._script

    async def _disconnect(self) -> None:
        connection, self._connection, self._script = self._connection, None, None
        if connection is not None:
            await connection.disconnect(nowait=True)


async def _load(connection: AbstractConnection, script: Script) -> None:
    await connection.send_command("SCRIPT", "LOAD", script.text)
    await connection.read_response()


def _outcome(response: list[bytes | int]) -> Journalled | NotAccepted:
    first_n = int(response[0])
    if first_n:
        return Journalled(first_n)
    if response[1] == b"HALTED":
        reason = response[2].decode() if isinstance(response[2], bytes) else ""
        return NotAccepted(Refusal.HALTED, f"The venue is halted: {reason}", retry_after_s=30)
    return NotAccepted(Refusal.BUSY, "The exchange is busy; nothing was done.")
