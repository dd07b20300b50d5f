"""How every service reaches Redis. The rule of this file: a command is sent once, never again.

redis-py repeats a command on its own when a reply is lost (ten times by default). A repeated write
is a second order, so every client here is made without retries; whoever holds the connection
decides.
"""

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 2.0  # A Redis on the same network answers in milliseconds or is gone.
SOCKET_TIMEOUT_S = 5.0  # Longer than any blocking read of ours, so a timeout means trouble.
POOL_SIZE_MAX = 32  # Connections of one asyncio client; waiting is better than opening more.


def connect(url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Return a synchronous client; it raises redis.RedisError and never repeats a command."""
    return redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        protocol=2,
    )


def connect_async(
    url: str, *, timeout_s: float = SOCKET_TIMEOUT_S, pool_size_max: int = POOL_SIZE_MAX
) -> redis.asyncio.Redis:
    """Return an asyncio client; it raises redis.RedisError and never repeats a command."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        max_connections=pool_size_max,
        timeout=CONNECT_TIMEOUT_S,
        protocol=2,
    )
    return redis.asyncio.Redis.from_pool(pool)
