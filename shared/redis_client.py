"""How every service reaches Redis. The rule of this file: a command is sent once, never again.

redis-py repeats a command on its own when a reply is lost (ten times by default). A repeated write
is a second order, so every client here is made without retries; whoever holds the connection
decides.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 2.0  # A Redis on the same network answers in milliseconds or is gone.
SOCKET_TIMEOUT_S = 5.0  # Longer than any blocking read of ours, so a timeout means trouble.
POOL_SIZE_MAX = 32  # Connections of one asyncio client; waiting is better than opening more.
LIMITS_DATABASE = 1  # Beside the ledger, which is in the database that its URL names.


def connect(url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Return a synchronous client; it raises redis.RedisError and never repeats a command."""
    return redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        protocol=2,
    )


class PoolBusyError(redis.RedisError):
    """Nothing is wrong with Redis: more was asked at once than the pool has connections."""


class CountedPool(redis.asyncio.BlockingConnectionPool):
    """A bounded pool that counts who had to wait for a connection."""

    waits = 0  # So far.

    async def get_connection(
        self, command_name: str | None = None, *keys: object, **options: object
    ) -> AbstractConnection:
        """Return a connection; raises PoolBusyError after waiting for one too long."""
        if not self.can_get_connection():
            self.waits += 1
        try:
            got = await super().get_connection()  # type: ignore[no-untyped-call]
        except redis.ConnectionError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise PoolBusyError("every connection of the pool is in use") from error
            raise
        connection: AbstractConnection = got
        return connection

    @property
    def in_use(self) -> int:
        """How many connections are with somebody now."""
        return len(self._in_use_connections)


def pool_of(client: redis.asyncio.Redis) -> CountedPool:
    """Return the pool of a client that `connect_async` made."""
    pool = client.connection_pool
    assert isinstance(pool, CountedPool), "made by connect_async"
    return pool


def connect_async(
    url: str, *, timeout_s: float = SOCKET_TIMEOUT_S, pool_size_max: int = POOL_SIZE_MAX
) -> redis.asyncio.Redis:
    """Return an asyncio client; it raises redis.RedisError and never repeats a command."""
    pool = CountedPool.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        max_connections=pool_size_max,
        timeout=min(timeout_s, CONNECT_TIMEOUT_S),
        protocol=2,
    )
    pool.connection_class = _plain_spoken(pool.connection_class)
    return redis.asyncio.Redis.from_pool(pool)


def _plain_spoken(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """uvloop says RuntimeError of a connection that ended between two writes; it is lost, too."""

    class PlainSpoken(kind):  # type: ignore[misc, valid-type]
        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            try:
                await super().send_packed_command(command, check_health)
            except RuntimeError as error:
                raise redis.ConnectionError(str(error)) from error

    return PlainSpoken


def limits_url(redis_url: str, limits_redis_url: str) -> str:
    """Return where rate limits and revoked sessions are: the second URL, else database 1 of the
    first's server.

    Keys that users make grow there and never touch the ledger's. Channels have no database.
    """
    if limits_redis_url:
        return limits_redis_url
    parts = urlsplit(redis_url)
    # redis-py believes `db` in the query before the path, and of a unix socket only that.
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme == "unix" or "db" in query:
        query["db"] = str(LIMITS_DATABASE)
    path = parts.path if parts.scheme == "unix" else f"/{LIMITS_DATABASE}"
    options = f"?{urlencode(query, safe='/:')}" if query else ""
    return f"{parts.scheme}://{parts.netloc}{path}{options}"
