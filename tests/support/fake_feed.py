"""A feed's server in a few lines, for tests of clients: it grants everything, and can be rude.

The rule of this file: it says what a test tells it to say, and notes what it was asked.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from shared.feed import book_crc32

Message = dict[str, Any]


class FakeFeed:
    """`asked` has every op of every connection, `paths` the place each one came to."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Message] = []
        self.paths: list[str] = []
        self.connections: list[ServerConnection] = []
        self.errors: dict[str, str] = {}  # The op, or a token -> the code that refuses it.
        self.books: dict[str, int] = {}  # Channel -> the sequence of the snapshot it begins with.
        self.expires_at_s = 4_000_000_000
        self.is_closed = False  # Whether it refuses handshakes.

    @property
    def connection(self) -> ServerConnection:
        return self.connections[-1]

    def ops(self, name: str) -> list[Message]:
        return [op for op in self.asked if op["op"] == name]

    async def say(self, **message: Any) -> None:
        """Send a message on the last connection."""
        await self.connection.send(msgspec.json.encode(message), text=True)

    async def snapshot(self, channel: str, sequence: int) -> None:
        market = channel.partition(":")[2]
        await self.say(
            type="snapshot", channel=channel, market=market, sequence=sequence, at_ns=1,
            bids=[], asks=[], crc32=book_crc32([], []),
        )  # fmt: skip

    async def delta(self, channel: str, sequence: int) -> None:
        market = channel.partition(":")[2]
        await self.say(
            type="delta", channel=channel, market=market, first_sequence=sequence,
            last_sequence=sequence, at_ns=1, bids=[], asks=[], crc32=book_crc32([], []),
        )  # fmt: skip

    async def serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for frame in connection:
                op: Message = msgspec.json.decode(frame)
                self.asked.append(op)
                await self._answer(op)
        except ConnectionClosed:
            pass  # The test, or the client, has ended it.

    async def _answer(self, op: Message) -> None:
        code = self.errors.get(op["op"]) or self.errors.get(op.get("token", ""))
        names = [
            each if isinstance(each, str) else each["channel"] for each in op.get("channels", [])
        ]
        if code:
            await self.say(op="error", id=op["id"], code=code, message="No.", field="")
        elif op["op"] == "auth":
            at_s = self.expires_at_s
            await self.say(op="authenticated", id=op["id"], account_id=7, expires_at_s=at_s)
        elif op["op"] == "ping":
            await self.say(op="pong", id=op["id"], at_ns=1)
        elif op["op"] == "subscribe":
            wishes = [each for each in op["channels"] if not isinstance(each, str)]
            known = [each["channel"] for each in wishes if "after_sequence" in each]
            resumed = [name for name in known if name not in self.books]
            await self.say(op="subscribed", id=op["id"], channels=names, resumed=resumed)
            for name in names:
                if name in self.books:
                    await self.snapshot(name, self.books[name])
        else:
            await self.say(op=f"{op['op']}d", id=op["id"], channels=names)

    def look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Note where a client comes to, and refuse it if that is wished."""
        self.paths.append(request.path)
        return connection.respond(503, "later\n") if self.is_closed else None


@asynccontextmanager
async def fake_feed() -> AsyncIterator[FakeFeed]:
    """Run one for as long as the block lasts."""
    fake = FakeFeed()
    async with serve(
        fake.serve, "127.0.0.1", 0, process_request=fake.look, close_timeout=1
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        fake.url = f"ws://127.0.0.1:{port}/ws"
        yield fake
        await asyncio.gather(*(each.close() for each in fake.connections))
