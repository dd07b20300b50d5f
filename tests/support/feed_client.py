"""A client's side of the feed: it believes nothing that does not follow.

The rule of this file: a hole in a sequence raises, and so does a checksum of another book; what it
holds is only what it was sent.
"""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from shared.feed import book_crc32
from tests.support.deadlines import DEADLINE_S

Message = dict[str, Any]


class Gap(AssertionError):
    """A message that does not follow the one before."""


class BookView:
    """A market's book as rebuilt from `depth:<market>`; prices and quantities as sent."""

    def __init__(self) -> None:
        self.sequence = -1
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.reasons: list[str] = []  # One for each snapshot, "" for an asked one.

    def take(self, message: Message) -> None:
        """Take over a snapshot or a delta; raises Gap."""
        if message["type"] == "snapshot":
            self.bids, self.asks = dict(message["bids"]), dict(message["asks"])
            self.sequence = message["sequence"]
            self.reasons.append(message.get("reason", ""))
            self._prove(message["crc32"])
            return
        if message["first_sequence"] != self.sequence + 1:
            raise Gap(f"{message['first_sequence']} after {self.sequence}")
        self.sequence = message["last_sequence"]
        for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, quantity in levels:
                if quantity == "0":
                    side.pop(price, None)
                else:
                    side[price] = quantity
        self._prove(message["crc32"])

    def _prove(self, crc32: int) -> None:
        bids = sorted(self.bids.items(), key=lambda level: Decimal(level[0]), reverse=True)
        asks = sorted(self.asks.items(), key=lambda level: Decimal(level[0]))
        if crc32 != book_crc32(bids, asks):
            raise Gap(f"another book at {self.sequence}")


class FeedClient:
    """A connection that sorts what it receives: books, trades, account updates, answers."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.books: dict[str, BookView] = {}
        self.trades: list[Message] = []
        self.account: list[Message] = []

    async def send(self, **message: object) -> None:
        await self.connection.send(msgspec.json.encode(message).decode())

    async def ask(self, **message: object) -> Message:
        """Send an op and return its answer; what comes in between is sorted."""
        await self.send(**message)
        while "op" not in (answer := await self.next()):
            pass
        return answer

    async def next(self) -> Message:
        """Return the next message, sorted in already."""
        async with asyncio.timeout(DEADLINE_S):
            data = await self.connection.recv()
        message: Message = msgspec.json.decode(data)
        channel = str(message.get("channel", ""))
        if channel.startswith("depth:"):
            self.books.setdefault(message["market"], BookView()).take(message)
        elif channel.startswith("trades:"):
            self.trades.append(message)
        elif channel == "account":
            self.account.append(message)
        return message

    async def until_sequence(self, market: str, sequence: int) -> BookView:
        """Read on until the market's book has reached a sequence."""
        while market not in self.books or self.books[market].sequence < sequence:
            await self.next()
        return self.books[market]

    async def until_account(self, sequence: int) -> None:
        """Read on until the account has reached a sequence."""
        while not self.account or self.account[-1]["sequence"] < sequence:
            await self.next()


async def open_feed(url: str, **options: Any) -> FeedClient:
    """Connect; the caller closes the connection."""
    options = {"compression": None, "max_size": None, **options}
    return FeedClient(await connect(url, **options))
