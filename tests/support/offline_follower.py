"""A plain client of a venue: our connector, a socket, and a dictionary for each side.

The rule of this file: as simple as can be, and no word of the desk, so that a simulated venue is
judged by something else than what it was made for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from websockets.asyncio.client import connect

from aggregator.offline.market import Market
from aggregator.protocol import (
    NONE,
    Accepted,
    BookUpdate,
    Chain,
    Connector,
    Kind,
    Manifest,
    Refused,
    SnapshotFrom,
    Topic,
    TouchUpdate,
    TradeUpdate,
    Update,
    to_units,
)
from tests.support.deadlines import eventually_async

FRAME_BYTES_MAX = 8 * 1024 * 1024
SHOWN = 50  # Levels a side that are compared: well inside of every snapshot.
Side = dict[int, int]


def offline(url: str, address: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.removesuffix('s')}://{address}/{rest}"


@dataclass
class Follower:
    """What has been understood of one symbol of one feed."""

    connector: Connector
    manifest: Manifest
    symbol: str
    market: Market
    address: str
    bids: Side = field(default_factory=dict)
    asks: Side = field(default_factory=dict)
    last_id: int = NONE
    is_live: bool = False
    waiting: list[BookUpdate] = field(default_factory=list)
    trades: list[TradeUpdate] = field(default_factory=list)
    touches: list[TouchUpdate] = field(default_factory=list)
    answers: list[Accepted | Refused] = field(default_factory=list)
    books_compared: int = 0

    async def follow(self) -> None:
        """Connect to every class of sockets that is needed, and read until cancelled."""
        kinds = (Kind.BOOK, Kind.TOUCH, Kind.TRADES, Kind.PULSE)
        async with asyncio.TaskGroup() as group:
            for socket in self.manifest.sockets:
                wanted = [kind for kind in kinds if kind in socket.kinds]
                group.create_task(self._read(socket.name, wanted))
            if self.manifest.snapshot_from is SnapshotFrom.REST:
                group.create_task(self._fetch())

    async def _read(self, socket: str, kinds: Sequence[Kind]) -> None:
        depth, pace = self.manifest.depth_default, self.manifest.interval_ms_default
        topics = [
            Topic(kind, "" if self._is_for_all(kind) else self.symbol, depth, pace)
            for kind in kinds
        ]
        url = self.connector.build_subscription_url(self.manifest, socket, topics)
        where = offline(url, self.address)
        async with connect(where, max_size=FRAME_BYTES_MAX) as connection:
            for text in self.connector.get_subscription_messages(self.manifest, socket, topics):
                await connection.send(text)
            async for frame in connection:
                body = frame.encode() if isinstance(frame, str) else frame
                for update in self.connector.parse_message(body, 1):
                    self.take(update)

    def _is_for_all(self, kind: Kind) -> bool:
        return kind is Kind.PULSE and self.manifest.venue == "coinbase"

    async def _fetch(self) -> None:
        await eventually_async(lambda: self.waiting)
        request = self.connector.fetch_snapshot(self.manifest, self.symbol, 0)
        assert request is not None, "a snapshot by HTTP can be asked for"
        async with httpx.AsyncClient() as client:
            answer = await client.get(offline(request.url, self.address))
        (snapshot,) = request.read(answer.content, request.url)
        assert isinstance(snapshot, BookUpdate)
        self._begin(snapshot)
        for update in self.waiting:
            self._apply(update)

    def take(self, update: Update) -> None:
        """Take one thing that the venue has said."""
        if isinstance(update, BookUpdate):
            self._take_book(update)
        elif isinstance(update, TradeUpdate):
            self.trades.append(update)
        elif isinstance(update, TouchUpdate):
            self.touches.append(update)
        elif isinstance(update, Accepted | Refused):
            self.answers.append(update)

    def _take_book(self, update: BookUpdate) -> None:
        assert update.symbol == self.symbol
        if update.is_snapshot:
            self._begin(update)
        elif self.is_live:
            self._apply(update)
        else:
            self.waiting.append(update)

    def _begin(self, snapshot: BookUpdate) -> None:
        self.bids = _side(snapshot.bids)
        self.asks = _side(snapshot.asks)
        self.last_id = snapshot.last_id
        self.is_live = True
        self.compare(snapshot.venue_at_ns)

    def _apply(self, update: BookUpdate) -> None:
        if update.last_id != NONE:
            if update.last_id <= self.last_id:
                return
            assert self._joins(update), (self.last_id, update)
            self.last_id = update.last_id
        self.bids |= _side(update.bids)
        self.asks |= _side(update.asks)
        self.bids = _left(self.bids, update.depth if self.manifest.truncates else 0, -1)
        self.asks = _left(self.asks, update.depth if self.manifest.truncates else 0, 1)
        self.compare(update.venue_at_ns)

    def _joins(self, update: BookUpdate) -> bool:
        if self.manifest.chain is Chain.LINKED:
            follows = update.previous_id == self.last_id
            return follows or update.first_id <= self.last_id <= update.last_id
        return update.first_id <= self.last_id + 1

    def compare(self, venue_at_ns: int) -> None:
        """Hold the book against the simulation's own of that time."""
        if not venue_at_ns:
            return
        bids, asks = self.market.book_at_time(venue_at_ns)
        tick, step = self.market.listed.tick.units, self.market.listed.step.units
        shown = min(SHOWN, self.manifest.depth_default or SHOWN)
        for ours, truth, best in ((self.bids, bids, max), (self.asks, asks, min)):
            real = {ticks * tick: steps * step for ticks, steps in truth.items()}
            keys = sorted(real, reverse=best is max)[:shown]
            assert sorted(ours, reverse=best is max)[:shown] == keys
            assert [ours[key] for key in keys] == [real[key] for key in keys]
        self.books_compared += 1


def _side(changes: Sequence[tuple[str, str]]) -> Side:
    return {to_units(price): to_units(quantity) for price, quantity in changes}


def _left(side: Side, depth: int, direction: int) -> Side:
    left = {price: quantity for price, quantity in side.items() if quantity}
    if not depth:
        return left
    kept = sorted(left, key=lambda price: price * direction)[:depth]
    return {price: left[price] for price in kept}
