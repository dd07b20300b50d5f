"""A subscriber that does not read until it is woken.

The rule of this file: its buffers are as small as the system lets them be, so that what it does not
read is the server's to keep, or to leave out.
"""

import asyncio
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rialto.client.feed import AnyKeeper, keeper_for, read
from rialto.client.feed.reading import hand_over
from shared.feed import Message, Subscribe
from tests.support.deadlines import DEADLINE_S
from tests.support.feed_truth import Truth, Watch

SMALL_BUFFER_BYTES = 4_096


class Sleeper:
    """Subscribes, sleeps, and after `wake` has read on until it is right, or was cut."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: ClientConnection
        self.keepers: dict[str, AnyKeeper] = {}
        self.watch = Watch()
        self.watch.shows = self
        self.was_cut = False

    async def __aenter__(self) -> Self:
        target = urlsplit(self._url)
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        plain.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plain, (target.hostname, target.port))
        self._connection = await connect(
            self._url, sock=plain, max_queue=1, max_size=None, compression=None, ping_interval=None
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.transport.abort()

    async def subscribe(self, *channels: str) -> None:
        """Ask, and do not wait for an answer."""
        op = Subscribe(channels=list(channels))
        await self._connection.send(msgspec.json.encode(op), text=True)

    async def wake(self, truth: Truth) -> None:
        """Read until everything is as it is in the truth; raises what a keeper finds wrong."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not self._is_right(truth):
                    self._take(await self._connection.recv())
        except ConnectionClosed:
            self.was_cut = True

    def _take(self, frame: str | bytes) -> None:
        update = read(frame)
        if isinstance(update, Message):
            keeper = self.keepers.setdefault(update.channel, keeper_for(update))
            assert hand_over(keeper, update), f"{update} is not of its channel"
            assert keeper.is_live, keeper.fault
            self.watch.note(update)

    def _is_right(self, truth: Truth) -> bool:
        wanted = truth.positions()
        return all(
            (keeper := self.keepers.get(channel)) is not None and keeper.sequence == position
            for channel, position in wanted.items()
        )
