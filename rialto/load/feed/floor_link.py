"""The floor as the measuring process sees it, with a crowd of its own.

The rule of this file: it starts both, and ends both.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from rialto.errors import RialtoError
from rialto.load.feed.floor import Cost
from rialto.load.feed.link import CrowdLink
from rialto.processes import leashed
from rialto.throwaway import Throwaway

PATIENCE_S = 60.0


class FloorLink:
    """A running floor."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def port(self) -> int:
        return int(await self._line())

    async def cost(self) -> Cost:
        """Have it send, once the whole crowd is in; return what that cost."""
        assert self._process.stdin is not None, "it was given a pipe"
        self._process.stdin.write(b"\n")
        return msgspec.json.decode(await self._line(), type=Cost)

    async def _line(self) -> bytes:
        assert self._process.stdout is not None, "it was given a pipe"
        async with asyncio.timeout(PATIENCE_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RialtoError("The floor that the broadcaster is compared with ended.")
        return line


@contextlib.asynccontextmanager
async def floor(
    place: Throwaway, clients: int, rounds: int
) -> AsyncIterator[tuple[FloorLink, CrowdLink]]:
    """Give a floor that will send so many messages to each client, and its crowd."""
    words = ["-m", "rialto.load.feed.floor", str(clients), str(rounds)]
    process = await asyncio.create_subprocess_exec(
        *leashed([sys.executable, "-P", *words]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=place.environ,
    )
    try:
        link = FloorLink(process)
        async with CrowdLink(place, await link.port()) as crowd:
            yield link, crowd
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
