"""How old what is published is when a client has it: a client of our own.

The rule of this file: it listens as anybody does, through Redis and a broadcaster, and to little:
the touch of one book of each feed. Nobody waits for it, and without a broadcaster it says nothing.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from aggregator.metrics import Sampler, StageTimes
from shared.tasks import spawn, stop

RETRY_S = 5.0  # A broadcaster comes back within seconds, and a measurement can wait.
MESSAGE_BYTES_MAX = 64 << 10  # A touch has some 300 bytes.
STAGE = "client"


class _Seen(msgspec.Struct):
    op: str = ""
    channel: str = ""
    at_ns: int = 0
    reason: str = ""


class ClientProbe:
    """Adds to the stage `client` of each feed; `start` before and `close` after.

    `books` has one book of each feed. What is measured is the time from the receipt of a frame on
    the venue's socket to the message on this client's, one message in some.
    """

    def __init__(
        self, url: str, books: Mapping[str, str], stages: Mapping[str, StageTimes]
    ) -> None:
        self.retry_s = RETRY_S
        self._url = url
        self._times = {f"bbo:{book}": stages[feed] for feed, book in books.items()}
        self._known: set[str] = set()  # Channels whose first message, which is old, has come.
        self._sampler = Sampler()
        self._decoder = msgspec.json.Decoder(_Seen)
        self._task: asyncio.Task[None] | None = None

    @property
    def is_listening(self) -> bool:
        """Whether every channel has been heard on this connection."""
        return self._known == self._times.keys()

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
        wishes = [{"channel": name, "interval_ms": 0} for name in self._times]
        asked = msgspec.json.encode({"op": "subscribe", "channels": wishes, "id": 1})
        async with connect(
            self._url, max_size=MESSAGE_BYTES_MAX, compression=None, proxy=None
        ) as socket:
            self._known.clear()
            await socket.send(asked, text=True)
            is_good = True
            while is_good:
                text = await socket.recv(decode=False)
                is_good = self._take(text, time.time_ns())

    def _take(self, text: bytes, at_ns: int) -> bool:
        """Return False when there are not all channels yet: they are asked for again."""
        if self.is_listening and not self._sampler.wants():
            return True
        seen = self._decoder.decode(text)
        if seen.op == "error":
            return False
        times = self._times.get(seen.channel)
        if times is None or not seen.at_ns:
            return True
        if seen.channel in self._known and not seen.reason:
            times.add(STAGE, at_ns - seen.at_ns)
        self._known.add(seen.channel)
        return True
