"""The venue in Redis, as far as the history reads it: the event stream, and one moment.

The rule of this file: it reads and never writes; what is said of one moment is one transaction.
"""

from collections.abc import Sequence
from typing import Any

import redis.asyncio

from history.follow.watermark import Moment
from shared.channels import Keys
from shared.redis_client import SOCKET_TIMEOUT_S

BLOCK_MS = 250  # How old the clock may be while nothing happens: a candle closes no later.
assert BLOCK_MS < SOCKET_TIMEOUT_S * 1_000, "a blocking read must not look like a dead connection"
PAGE_ENTRIES_MAX = 500  # Commits in one answer, when they are small.
PAGE_SIZE_MAX = 4 * 1024 * 1024  # And so many bytes, going by those of the page before.
NS_PER_US, US_PER_S = 1_000, 1_000_000


class VenueReader:
    """Reads one venue; raises redis.RedisError and OSError."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._count = PAGE_ENTRIES_MAX

    async def moment(self) -> Moment:
        """Return how far journal and engine are, the clock, and whose they are, all at once."""
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.get(self._keys.n)
            pipe.time()
            pipe.hmget(self._keys.meta, "position", "sequence", "at_ns")
            pipe.info("server")
            last_n, (seconds, micros), meta, server = await pipe.execute()
        clock_ns = (int(seconds) * US_PER_S + int(micros)) * NS_PER_US
        n, sequence, at_ns = (int(value or 0) for value in meta)
        return Moment(int(last_n or 0), clock_ns, n, sequence, at_ns, server["run_id"])

    async def batches_after(self, sequence: int, *, wait: bool) -> list[bytes]:
        """Return the packed batches that end behind event `sequence`, the first of them; with
        `wait`, none is there yet and a moment may pass before the first.
        """
        found: Any = await self._client.xread(
            {self._keys.events: f"{sequence}-0"},
            count=self._count,
            block=BLOCK_MS if wait else None,
        )
        page: list[bytes] = [fields[b"e"] for _, entries in found or () for _, fields in entries]
        self._learn(page)
        return page

    async def batch_that_ends_at(self, sequence: int) -> bytes | None:
        """Return the packed batch whose last event it is, None if there is none in the stream."""
        name = f"{sequence}-0"
        found: Any = await self._client.xrange(self._keys.events, name, name)
        return bytes(found[0][1][b"e"]) if found else None

    def _learn(self, page: Sequence[bytes]) -> None:
        """Choose how many commits the next page may have; a commit can be a few megabytes."""
        if page:
            mean_size = max(1, sum(map(len, page)) // len(page))
            self._count = min(PAGE_ENTRIES_MAX, max(1, PAGE_SIZE_MAX // mean_size))
