"""How the supervisor finds out that a service is ready. The rule of this file: a probe never
raises.
"""

import asyncio
from collections.abc import Awaitable, Callable

import redis

from shared.channels import Keys
from shared.networks import reachable_host
from shared.redis_client import connect_async

Probe = Callable[[], Awaitable[bool]]

PROBE_DEADLINE_S = 1.0  # Everything is on this machine; a later answer is asked for again.
ALIVE_S = 0.5  # A program that cannot start at all has ended by then.
STATUS_LINE_BYTES_MAX = 1024


async def alive() -> bool:
    """For a service without a door: it is ready once it has run for a moment."""
    await asyncio.sleep(ALIVE_S)
    return True


def http_answers(host: str, port: int, path: str, *, status: str | None = None) -> Probe:
    """Probe a door that speaks HTTP; `status` None takes any answer."""

    async def probe() -> bool:
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                line = await _status_line(reachable_host(host), port, path)
        except (OSError, TimeoutError):
            return False
        return line.startswith("HTTP/") and (status is None or f" {status} " in f"{line} ")

    return probe


async def _status_line(host: str, port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        return (await reader.read(STATUS_LINE_BYTES_MAX)).decode("latin-1").split("\r\n")[0]
    finally:
        writer.close()


class EngineProbe:
    """An engine is ready when the lease is held: by itself, in an epoch of its own, or by another
    one, which it then stands by.

    Its own lease alone proves nothing: that of an engine that was killed outlives it. `owner` is
    its name in the lease, "" if nobody knows.
    """

    def __init__(self, url: str, keys: Keys, owner: str = "") -> None:
        self._url = url
        self._keys = keys
        self._owner = owner.encode()
        self._old_epoch = -1  # None is known: then the lease is all there is to go by.

    async def before_start(self) -> None:
        """Note the last epoch of the engines before this one."""
        _, epoch = await self._look()
        self._old_epoch = max(self._old_epoch, epoch)

    async def ready(self) -> bool:
        holder, epoch = await self._look()
        by_another = self._owner not in (b"", holder)
        return bool(holder) and (epoch > self._old_epoch or by_another)

    async def _look(self) -> tuple[bytes, int]:
        client = connect_async(self._url, timeout_s=PROBE_DEADLINE_S, pool_size_max=1)
        try:
            holder = await client.get(self._keys.lease)
            epoch = int(await client.hget(self._keys.meta, "epoch") or 0)
            return holder if isinstance(holder, bytes) else b"", epoch
        except (redis.RedisError, OSError, ValueError):
            return b"", -1
        finally:
            await client.aclose()
