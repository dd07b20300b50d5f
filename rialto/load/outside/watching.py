"""Clients of the feed that note how old a message is when it comes.

The rule of this file: a message is decoded, and the clock is read before that; what is noted is
the time since the aggregator had the frame from the venue's socket, by this machine's own clock.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

CHANGES = ("delta", "entry")
GATHERED = "book:consolidated:"
AGAIN_S = 0.1  # A broadcaster hears once a second which channels there are.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024  # A snapshot of a deep book.


class _Seen(msgspec.Struct):
    op: str = ""
    type: str = ""
    channel: str = ""
    at_ns: int = 0
    reason: str = ""
    data: msgspec.Raw = msgspec.Raw()


@dataclass
class Watcher:
    """One client. `ages_ns` are of changes, not of snapshots."""

    ages_ns: list[int] = field(default_factory=list)
    messages: int = 0
    repaired: int = 0  # Messages that begin anew because something was lost or too much.
    latest: dict[str, bytes] = field(default_factory=dict)  # The data of values.
    came: asyncio.Event = field(default_factory=asyncio.Event)  # One of these.

    async def watch(self, url: str, channels: Sequence[object], *, keeps_ages: bool) -> None:
        """Listen until cancelled, or until the server ends it. A channel that is not there yet is
        asked for again.
        """
        decoder = msgspec.json.Decoder(_Seen)
        wish = msgspec.json.encode({"op": "subscribe", "channels": list(channels), "id": 1})
        async with connect(url, max_size=MESSAGE_BYTES_MAX, compression=None) as socket:
            await socket.send(wish, text=True)
            with suppress(ConnectionClosed):
                while True:
                    text = await socket.recv(decode=False)
                    at_ns = time.time_ns()
                    seen = decoder.decode(text)
                    if seen.op == "error":
                        await asyncio.sleep(AGAIN_S)
                        await socket.send(wish, text=True)
                    else:
                        self._note(seen, at_ns if keeps_ages else 0)

    def _note(self, seen: _Seen, at_ns: int) -> None:
        self.messages += 1
        if seen.reason in ("resync", "lagged"):
            self.repaired += 1
        elif seen.type == "value":
            self.latest[seen.channel] = bytes(seen.data)
            self.came.set()
        # A consolidated book gathers changes on purpose, and says when it was told.
        is_aged = seen.type in CHANGES and not seen.channel.startswith(GATHERED)
        if at_ns and is_aged and seen.at_ns:
            self.ages_ns.append(at_ns - seen.at_ns)


async def stop_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End clients; raises what one of them has raised."""
    for task in tasks:
        task.cancel()
    for found in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(found, Exception):
            raise found
