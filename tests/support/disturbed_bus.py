"""A wire from Redis on which published messages get lost, come twice, or come late.

The rule of this file: only what is published is disturbed; answers to commands pass as they are.
Its choices come from a seed.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from random import Random

from tests.support.tcp_proxy import CHUNK_BYTES, TcpProxy

LINES = b"+-:_#,("  # Replies of one line.
BULKS = b"$=!"  # A length, then so many bytes.
LISTS = b"*>~%|"  # A count, then so many replies; of maps, pairs.
PUBLISHED = (b"*3\r\n$7\r\nmessage\r\n", b">3\r\n$7\r\nmessage\r\n")


class DisturbedBus(TcpProxy):
    """`rate` is the part of the published messages that is dropped, doubled or swapped."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(url)
        self.target_url = url
        self.rate = 0.0
        self.disturbed: Counter[str] = Counter()
        self._random = Random(seed)

    async def cut_for(self, seconds: float, meanwhile: Awaitable[object]) -> None:
        """Let nobody through for so long, and until `meanwhile` is done."""
        await self.refuse()
        try:
            await asyncio.gather(asyncio.sleep(seconds), meanwhile)
        finally:
            await self.open()

    async def _down(
        self,
        reader: asyncio.StreamReader,
        ends: set[asyncio.StreamWriter],
        client: asyncio.StreamWriter,
    ) -> None:
        held, rest = b"", b""  # One published message that the next one overtakes.
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self.passing.wait()
                replies, rest = split_replies(rest + chunk)
                for reply in replies:
                    out, held = self._disturb(reply, held)
                    client.write(out)
                await client.drain()
        self._end(ends)

    def _disturb(self, reply: bytes, held: bytes) -> tuple[bytes, bytes]:
        if not reply.startswith(PUBLISHED):
            return reply, held
        if held:
            return reply + held, b""
        if self._random.random() >= self.rate:
            return reply, b""
        how = self._random.choice(("dropped", "doubled", "swapped"))
        self.disturbed[how] += 1
        if how == "swapped":
            return b"", reply
        return (b"" if how == "dropped" else reply * 2), b""


def split_replies(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole replies at the beginning, and what is left over."""
    replies, start = [], 0
    with suppress(_Unfinished):
        while start < len(data):
            end = _end_of_reply(data, start)
            replies.append(data[start:end])
            start = end
    return replies, data[start:]


class _Unfinished(Exception):
    """More bytes are to come."""


def _end_of_reply(data: bytes, start: int) -> int:
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        raise _Unfinished
    kind, end = data[start : start + 1], line_end + 2
    if kind in LINES:
        return end
    count = int(data[start + 1 : line_end])
    if count < 0:
        return end
    if kind in BULKS:
        end += count + 2
        if end > len(data):
            raise _Unfinished
        return end
    assert kind in LISTS, f"no reply of Redis begins so: {data[start : start + 20]!r}"
    for _ in range(count * 2 if kind in b"%|" else count):
        end = _end_of_reply(data, end)
    return end


@asynccontextmanager
async def disturbed_bus(url: str, seed: int) -> AsyncIterator[DisturbedBus]:
    """Run one to the Redis of this URL for as long as the block lasts."""
    bus = DisturbedBus(url, seed)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()
