"""A small TCP proxy between a test and its server, for what goes wrong on a wire.

The rule of this file: it forwards bytes until it is told otherwise; nothing happens by chance.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class TcpProxy:
    """Forwards to one server; the attributes say what it does with replies from now on."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.passing = asyncio.Event()  # Cleared, replies wait here until it is set.
        self.passing.set()
        self.lose_next_reply = False  # The next reply is thrown away and its connection is cut.
        self.connections = 0
        self.requests = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}{self._target.path}"

    async def open(self) -> None:
        """Accept connections, again on the same port after `refuse`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections and accept none."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()

    async def close(self) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._target.hostname, self._target.port
        try:
            server_reader, server_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        self.connections += 1
        ends = {writer, server_writer}
        self._writers |= ends
        for work in (
            self._up(reader, ends, server_writer),
            self._down(server_reader, ends, writer),
        ):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _up(
        self,
        reader: asyncio.StreamReader,
        ends: set[asyncio.StreamWriter],
        server: asyncio.StreamWriter,
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                self.requests += 1
                server.write(chunk)
                await server.drain()
        self._end(ends)

    async def _down(
        self,
        reader: asyncio.StreamReader,
        ends: set[asyncio.StreamWriter],
        client: asyncio.StreamWriter,
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self.passing.wait()
                if self.lose_next_reply:
                    self.lose_next_reply = False
                    break
                client.write(chunk)
                await client.drain()
        self._end(ends)

    def _end(self, ends: set[asyncio.StreamWriter]) -> None:
        self._writers -= ends
        for writer in ends:
            writer.close()


@asynccontextmanager
async def tcp_proxy(url: str) -> AsyncIterator[TcpProxy]:
    """Run a proxy to the server of this URL for as long as the block lasts."""
    proxy = TcpProxy(url)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
