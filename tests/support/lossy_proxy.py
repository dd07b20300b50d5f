"""A wire that loses: a TCP proxy that cuts connections and swallows replies.

The rule of this file: what it forwards it forwards whole; what it loses it loses by closing the
connection, as a network does. Its choices come from a seed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random

CHUNK_BYTES = 64 * 1024
ENQUEUE = b"EVALSHA"
CLOSING_S = 0.05  # The loop closes sockets a moment after it is told to.


class LossyProxy:
    """Stands before a server. `lose_replies` is how many of the next enqueues are not answered;
    `cut_rate` is the part of all others that meet a cut, before or after they arrive.
    """

    def __init__(self, target_port: int, seed: int) -> None:
        self.cut_rate = 0.0
        self.lose_replies = 0
        self.lost_replies = 0
        self.lost_requests = 0
        self.port = 0
        self._target_port = target_port
        self._random = Random(seed)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None, "the proxy was never started"
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(CLOSING_S)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # Only `close` cancels, and the server would take a cancelled handler for a fault.
            with contextlib.suppress(asyncio.CancelledError):
                await self._join(client, answer)
        finally:
            answer.transport.abort()

    async def _join(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            server, request = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            return
        pumps = [
            asyncio.create_task(self._requests(client, request, answer)),
            asyncio.create_task(self._answers(server, answer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            request.close()  # First: whoever closes the proxy may interrupt the wait.
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _requests(
        self,
        client: asyncio.StreamReader,
        request: asyncio.StreamWriter,
        answer: asyncio.StreamWriter,
    ) -> None:
        while chunk := await client.read(CHUNK_BYTES):
            if ENQUEUE in chunk and self._loses():
                if self.lose_replies or self._random.random() < 0.5:
                    self.lose_replies = max(0, self.lose_replies - 1)
                    self.lost_replies += 1
                    answer.transport.abort()  # From here on nobody hears the reply.
                    request.write(chunk)
                    await request.drain()
                else:
                    self.lost_requests += 1
                return
            request.write(chunk)
            await request.drain()

    async def _answers(self, server: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        while chunk := await server.read(CHUNK_BYTES):
            answer.write(chunk)
            await answer.drain()

    def _loses(self) -> bool:
        return self.lose_replies > 0 or self._random.random() < self.cut_rate


@contextlib.asynccontextmanager
async def running_proxy(target_port: int, seed: int) -> AsyncIterator[LossyProxy]:
    """Run a proxy before a port of this machine for as long as the block lasts."""
    proxy = LossyProxy(target_port, seed)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
