"""Reading the ledger's rows: all parts of one answer from one instant.

The rule of this file: every read is one MULTI that brings the committed sequence along, waiting
asks for nothing but that sequence, and a Redis that is known to be gone is not asked again by a
request, so that a client hears 503 at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import redis.asyncio

from api.edge.errors import ApiError
from api.reads.together import UNDER_WAY_MAX, Command, SharedReads
from shared.breaker import Breaker, BreakerOpenError
from shared.channels import Keys
from shared.redis_client import PoolBusyError, connect_async

LOOKUPS_AT_ONCE = 2  # Of late answers, and of the breaker that asks whether Redis is back.
POOL_SIZE_MAX = UNDER_WAY_MAX + LOOKUPS_AT_ONCE
READ_TIMEOUT_S = 0.5  # A healthy read is a hundred times faster.
SEQUENCE_WAIT_MAX_S = 0.25  # How long a read waits for the state that it wants to see.
SEQUENCE_POLL_S = 0.01

FAILURES = (redis.ConnectionError, redis.TimeoutError, OSError)

__all__ = ["Command", "Store", "open_pool"]


def open_pool(redis_url: str) -> redis.asyncio.Redis:
    """Return the client over which a gateway process reads everything; use `aclose` after.

    The writer and the listener have connections of their own: the one so that no read is ever
    before an order, the other because a subscribed connection can do nothing else.
    """
    return connect_async(redis_url, timeout_s=READ_TIMEOUT_S, pool_size_max=POOL_SIZE_MAX)


class Store:
    """Reads rows of one venue over the process's pool (see `open_pool`); use `close` after."""

    def __init__(
        self, client: redis.asyncio.Redis, keys: Keys, *, redis_is_up: Callable[[], bool]
    ) -> None:
        self.keys = keys
        self._client = client
        self._sequence: Command = ("HGET", keys.meta, "sequence")
        self._redis_is_up = redis_is_up
        self._shared = SharedReads(self._transaction)
        self.breaker = Breaker(
            "reads", self._ask, failures=FAILURES, probe_failures=(redis.RedisError,)
        )

    async def close(self) -> None:
        await self._shared.close()
        await self.breaker.close()

    async def read(self, *commands: Command, min_sequence: int = 0) -> tuple[int, list[Any]]:
        """Return the committed sequence and the commands' answers, all of one instant.

        Waits a moment for `min_sequence`. Raises ApiError REDIS_UNAVAILABLE, SEQUENCE_NOT_REACHED.
        """
        if min_sequence:
            await self._wait_for(min_sequence)
        sequence, *answers = await self._shared.read((self._sequence, *commands))
        if int(sequence or 0) < min_sequence:  # The state is another one now.
            raise ApiError("SEQUENCE_NOT_REACHED", field="min_sequence")
        return int(sequence or 0), answers

    async def last_n(self) -> int:
        """Return the number of the journal's last entry; raises ApiError REDIS_UNAVAILABLE."""
        (n,) = await self._shared.read((("GET", self.keys.n),))
        return int(n or 0)

    async def _wait_for(self, min_sequence: int) -> None:
        deadline_s = time.monotonic() + SEQUENCE_WAIT_MAX_S
        while True:
            (sequence,) = await self._shared.read((self._sequence,))
            if int(sequence or 0) >= min_sequence:
                return
            if time.monotonic() > deadline_s:
                raise ApiError("SEQUENCE_NOT_REACHED", field="min_sequence")
            await asyncio.sleep(SEQUENCE_POLL_S)

    async def _transaction(self, commands: Sequence[Command]) -> list[Any]:
        if not self._redis_is_up():
            raise ApiError("REDIS_UNAVAILABLE")
        try:
            with self.breaker.guard():
                return await self._execute(commands)
        except PoolBusyError as error:
            raise ApiError("BUSY") from error
        except (redis.RedisError, OSError, BreakerOpenError) as error:
            raise ApiError("REDIS_UNAVAILABLE") from error

    async def _execute(self, commands: Sequence[Command]) -> list[Any]:
        async with self._client.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return await pipeline.execute()

    async def _ask(self) -> None:
        await self._execute((self._sequence,))
