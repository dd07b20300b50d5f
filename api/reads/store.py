"""Reading the ledger's rows: all parts of one answer from one instant.

The rule of this file: every read is one MULTI that brings the committed sequence along, waiting
asks for nothing but that sequence, and a Redis that is known to be gone is not asked again for a
moment, so that a client hears 503 at once.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio

from api.edge.errors import ApiError
from shared.channels import Keys
from shared.redis_client import connect_async

POOL_SIZE_MAX = 16  # Reads take about a millisecond; more at once would only queue in Redis.
READ_TIMEOUT_S = 0.5  # A healthy read is a hundred times faster.
CIRCUIT_OPEN_S = 0.25  # After a failure the next try waits this long; until then: 503 at once.
SEQUENCE_WAIT_MAX_S = 0.25  # How long a read waits for the state that it wants to see.
SEQUENCE_POLL_S = 0.01

Command = tuple[str | bytes | int, ...]


class Store:
    """Reads rows of one venue over a bounded pool; use `close` after."""

    def __init__(self, redis_url: str, keys: Keys, *, redis_is_up: Callable[[], bool]) -> None:
        self.keys = keys
        self._client: redis.asyncio.Redis = connect_async(
            redis_url, timeout_s=READ_TIMEOUT_S, pool_size_max=POOL_SIZE_MAX
        )
        self._sequence: Command = ("HGET", keys.meta, "sequence")
        self._redis_is_up = redis_is_up
        self._open_until_s = 0.0

    async def close(self) -> None:
        await self._client.aclose()

    async def read(self, *commands: Command, min_sequence: int = 0) -> tuple[int, list[Any]]:
        """Return the committed sequence and the commands' answers, all of one instant.

        Waits a moment for `min_sequence`. Raises ApiError REDIS_UNAVAILABLE, SEQUENCE_NOT_REACHED.
        """
        if min_sequence:
            await self._wait_for(min_sequence)
        sequence, *answers = await self._transaction(self._sequence, *commands)
        if int(sequence or 0) < min_sequence:  # The state is another one now.
            raise ApiError("SEQUENCE_NOT_REACHED", field="min_sequence")
        return int(sequence or 0), answers

    async def last_n(self) -> int:
        """Return the number of the journal's last entry; raises ApiError REDIS_UNAVAILABLE."""
        (n,) = await self._transaction(("GET", self.keys.n))
        return int(n or 0)

    async def _wait_for(self, min_sequence: int) -> None:
        deadline_s = time.monotonic() + SEQUENCE_WAIT_MAX_S
        while True:
            (sequence,) = await self._transaction(self._sequence)
            if int(sequence or 0) >= min_sequence:
                return
            if time.monotonic() > deadline_s:
                raise ApiError("SEQUENCE_NOT_REACHED", field="min_sequence")
            await asyncio.sleep(SEQUENCE_POLL_S)

    async def _transaction(self, *commands: Command) -> list[Any]:
        if not self._redis_is_up() or time.monotonic() < self._open_until_s:
            raise ApiError("REDIS_UNAVAILABLE")
        try:
            async with self._client.pipeline(transaction=True) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return await pipeline.execute()
        except (redis.RedisError, OSError) as error:
            self._open_until_s = time.monotonic() + CIRCUIT_OPEN_S
            raise ApiError("REDIS_UNAVAILABLE") from error
