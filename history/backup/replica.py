"""A whole Redis as bytes: what it gives to a replica.

The rule of this file: the bytes are the RDB of one fork and nothing else, from any Redis that can
be reached, without its disk. A fork takes Redis some ms for each GB; after it nothing waits.
"""

import asyncio
import os
from pathlib import Path

import hiredis
import redis
from redis.asyncio.connection import AbstractConnection

from history.backup.errors import BackupError
from history.backup.files import create, make_folder
from shared.redis_client import connect_async

CHUNK_BYTES = 1024 * 1024
# While it writes the RDB, Redis sends a newline every ten seconds; more silence means trouble.
SILENCE_S = 60.0
LENGTH_CHARS_MAX = 24  # `$`, a number of 64 bits, and the end of the line.
MAGICS = (b"REDIS", b"VALKEY")


class Replica:
    """One connection that asks for everything, once."""

    def __init__(self, redis_url: str) -> None:
        self._client = connect_async(redis_url, pool_size_max=1)
        self._connection: AbstractConnection | None = None

    async def open(self) -> None:
        """Connect; raises redis.RedisError or OSError."""
        self._connection = self._client.connection_pool.make_connection()
        await self._connection.connect()
        # So that Redis keeps nothing for us of what changes after the fork.
        await self._connection.send_command("REPLCONF", "rdb-only", "1")
        await self._connection.read_response()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)
        await self._client.aclose()

    async def ask(self) -> None:
        """Ask for everything: without `capa eof` Redis forks at once, if it has no other child."""
        assert self._connection is not None, "open it first"
        assert self._connection._writer is not None, "open it first"
        self._connection._writer.write(hiredis.pack_command(("SYNC",)))
        await self._connection._writer.drain()

    async def receive(self, path: Path) -> int:
        """Write the RDB onto disk and return its size; raises BackupError, redis.RedisError."""
        left = size = await self._length()
        make_folder(path.parent)
        with create(path) as file:
            while left:
                chunk = await self._read(min(CHUNK_BYTES, left))
                if left == size and not chunk.startswith(MAGICS) and len(chunk) > 6:
                    raise BackupError("What Redis sent is no RDB.")
                file.write(chunk)
                left -= len(chunk)
            file.flush()
            os.fsync(file.fileno())
        return size

    async def _length(self) -> int:
        line = b""
        while not line.endswith(b"\r\n"):
            one = await self._read(1)
            line = b"" if (line, one) == (b"", b"\n") else line + one
            if len(line) > LENGTH_CHARS_MAX and line.startswith(b"$"):
                break
        if not line.startswith(b"$") or not line[1:-2].isdigit():
            raise BackupError(f"Redis does not give its data ({line.decode(errors='replace')!r}).")
        return int(line[1:-2])

    async def _read(self, size: int) -> bytes:
        assert self._connection is not None, "open it first"
        assert self._connection._reader is not None, "open it first"
        async with asyncio.timeout(SILENCE_S):
            chunk = await self._connection._reader.read(size)
        if not chunk:
            raise redis.ConnectionError("Redis closed the connection before all was there")
        return bytes(chunk)
