"""How the supervisor finds out that a service is ready. The rule of this file: a probe never
raises.
"""

import asyncio
from collections.abc import Awaitable, Callable

import redis

from shared.redis_client import connect_async

Probe = Callable[[], Awaitable[bool]]

PROBE_DEADLINE_S = 1.0  # Everything is on this machine; a later answer is asked for again.
ALIVE_S = 0.5  # A program that cannot start at all has ended by then.
STATUS_LINE_BYTES_MAX = 1024
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


async def alive() -> bool:
    """For a service without a door: it is ready once it has run for a moment."""
    await asyncio.sleep(ALIVE_S)
    return True


def reachable_host(host: str) -> str:
    """Return an address to connect to for one that is listened on."""
    return ANY_ADDRESS.get(host, host)


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


def redis_key_exists(url: str, key: str) -> Probe:
    """Probe a service that shows itself by a key, as the engine does by its lease."""

    async def probe() -> bool:
        client = connect_async(url, timeout_s=PROBE_DEADLINE_S, pool_size_max=1)
        try:
            return bool(await client.exists(key))
        except (redis.RedisError, OSError):
            return False
        finally:
            await client.aclose()

    return probe
