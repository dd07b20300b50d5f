"""How old what is published is when a client has it: a client of our own.

The rule of this file: it listens as anybody does, through Redis and a broadcaster, and to little:
the touch of one book of each feed, about once a second until it has changed. To hear every change
would cost some percents of the processor that it measures. Nobody waits for it, and without a
broadcaster it says nothing.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import suppress

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from aggregator.metrics import StageTimes
from shared.tasks import spawn, stop

RETRY_S = 5.0  # A broadcaster comes back within seconds, and a measurement can wait.
PAUSE_S = 1.0  # From one look to the next: some 50 measurements a feed in a minute.
LOOK_S = 2.0  # A book that does not change for so long has its next chance with the next look.
ANSWER_S = 5.0
MESSAGE_BYTES_MAX = 64 << 10  # A touch has some 300 bytes.
STAGE = "client"


class _Seen(msgspec.Struct):
    op: str = ""
    channel: str = ""
    at_ns: int = 0
    reason: str = ""
    channels: list[str] = []


class ClientProbe:
    """Adds to the stage `client` of each feed; `start` before and `close` after.

    `books` has one book of each feed. What is measured is the time from the receipt of a frame on
    the venue's socket to the message on this client's, of the first change that comes after each
    look has begun.
    """

    def __init__(
        self, url: str, books: Mapping[str, str], stages: Mapping[str, StageTimes]
    ) -> None:
        self.retry_s = RETRY_S
        self.pause_s = PAUSE_S
        self._url = url
        self._times = {f"bbo:{book}": stages[feed] for feed, book in books.items()}
        self._heard: set[str] = set()  # On this connection.
        self._begun: set[str] = set()  # In this look: the first message, which is old, has come.
        self._measured: set[str] = set()  # And that which was measured.
        self._subscribed: set[str] = set()
        self._decoder = msgspec.json.Decoder(_Seen)
        self._task: asyncio.Task[None] | None = None

    @property
    def is_listening(self) -> bool:
        """Whether every channel has been heard on this connection."""
        return self._heard == self._times.keys()

    async def start(self) -> None:
        self._task = spawn(self._run(), "aggregator-client-probe")

    async def close(self) -> None:
        await stop(self._task)

    async def _run(self) -> None:
        while True:
            # The broadcaster's own health is told by others.
            with suppress(OSError, TimeoutError, WebSocketException, msgspec.DecodeError):
                await self._listen()
            await asyncio.sleep(self.retry_s)

    async def _listen(self) -> None:
        self._heard.clear()
        async with connect(
            self._url, max_size=MESSAGE_BYTES_MAX, compression=None, proxy=None
        ) as socket:
            is_good = True
            while is_good:
                is_good = await self._look(socket)
                await asyncio.sleep(self.pause_s)

    async def _look(self, socket: ClientConnection) -> bool:
        """Return False when there are not all channels yet: they are asked for again."""
        self._begun.clear()
        self._measured.clear()
        self._subscribed = set(self._times)
        wishes = [{"channel": name, "interval_ms": 0} for name in self._times]
        await socket.send(_asked("subscribe", wishes), text=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                return await self._hear_out(socket)
        await socket.send(_asked("unsubscribe", self._subscribed), text=True)
        async with asyncio.timeout(ANSWER_S):
            return await self._hear_out(socket)

    async def _hear_out(self, socket: ClientConnection) -> bool:
        # Until the broadcaster has said that nothing comes any more: what came in the next look
        # would be taken for a part of it.
        while self._subscribed:
            text = await socket.recv(decode=False)
            at_ns = time.time_ns()
            seen = self._decoder.decode(text)
            if seen.op == "error":
                return False
            if seen.op == "unsubscribed":
                self._subscribed.difference_update(seen.channels)
            elif self._measure(seen, at_ns):
                await socket.send(_asked("unsubscribe", [seen.channel]), text=True)
        return True

    def _measure(self, seen: _Seen, at_ns: int) -> bool:
        """Return whether this was the one of its channel."""
        times = self._times.get(seen.channel)
        if times is None or not seen.at_ns or seen.channel in self._measured:
            return False
        self._heard.add(seen.channel)
        if seen.channel not in self._begun or seen.reason:
            self._begun.add(seen.channel)
            return False
        times.add(STAGE, at_ns - seen.at_ns)
        self._measured.add(seen.channel)
        return True


def _asked(op: str, channels: Collection[object]) -> bytes:
    return msgspec.json.encode({"op": op, "channels": list(channels), "id": 1})
