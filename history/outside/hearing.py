"""Hearing the aggregator: every trade of every book with its number, and the newest touches.

The rule of this file: nothing waits and everything is bounded. What is missed is asked for again,
and what cannot be had any more is seen from the numbers of what comes next. While more waits to be
written than may, trades are passed over; their numbers tell that too.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec
import redis

from shared.channels import Keys
from shared.feed import Reason
from shared.listener import Listener
from shared.logs import get_logger
from shared.messages import OutsideBbo, OutsideTrade
from shared.money import AMOUNT_LIMIT
from shared.publishing import (
    Ask,
    ChannelState,
    Kind,
    LogEntry,
    ValueNow,
    decode_alive,
    decode_publication,
    encode,
)
from shared.publishing.following import Follower, LogFollower, ValueFollower
from shared.publishing.presence import Presence
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import DecodeError

ROUND_S = 0.25  # How often missing images are asked for, and silence is looked at.
IMAGE_RETRY_S = 1.0
IMAGES_ASKED_MAX = 32  # Of some 40 KB each: far from what Redis keeps for a slow reader.
ASK_TIMEOUT_S = 2.0
TRADES_MAX = 50_000  # That wait to be written, some 25 MB: a minute of the busiest market day.
BOOKS_MAX = 2_000  # Each has two subscriptions, and a candle of each interval in memory.
BOOK_PARTS = 3  # venue:type:BASE/QUOTE; consolidated channels have fewer.

_log = get_logger(__name__)
Said = TypeVar("Said", OutsideTrade, OutsideBbo)
_trade = msgspec.json.Decoder(OutsideTrade)
_touch = msgspec.json.Decoder(OutsideBbo)


class Heard(NamedTuple):
    """A trade with its number on the feed."""

    sequence: int
    at_ns: int
    trade: OutsideTrade


class Inbox:
    """What was heard and is not written yet."""

    def __init__(self) -> None:
        self.trades: dict[str, list[Heard]] = {}
        self.touches: dict[str, OutsideBbo] = {}
        self.count = 0  # Trades that wait.
        self.passed_over = 0  # Trades for which there was no room.
        self.unreadable = 0

    def put_trade(self, book: str, sequence: int, entry: LogEntry) -> None:
        if self.count >= TRADES_MAX:
            self.passed_over += 1
            return
        trade = _read(_trade, entry.data, book)
        if trade is None or not _is_time(entry.at_ns):
            self.unreadable += 1
            return
        self.trades.setdefault(book, []).append(Heard(sequence, entry.at_ns, trade))
        self.count += 1

    def put_touch(self, book: str, said: ValueNow) -> None:
        touch = _read(_touch, said.data, book)
        if touch is None:
            self.unreadable += 1
        else:
            self.touches[book] = touch

    def waiting(self, trades_max: int) -> tuple[dict[str, list[Heard]], dict[str, OutsideBbo]]:
        """Return what waits, of trades no more than so many; it stays until it is `done`."""
        trades: dict[str, list[Heard]] = {}
        for book, heard in self.trades.items():
            if trades_max <= 0:
                break
            trades[book] = heard[:trades_max]
            trades_max -= len(trades[book])
        return trades, dict(self.touches)

    def done(self, trades: dict[str, list[Heard]], touches: dict[str, OutsideBbo]) -> None:
        """Forget what was returned as waiting."""
        for book, heard in trades.items():
            del self.trades[book][: len(heard)]
            self.count -= len(heard)
            if not self.trades[book]:
                del self.trades[book]
        for book, touch in touches.items():
            if self.touches.get(book) is touch:
                del self.touches[book]


def _read(decoder: msgspec.json.Decoder[Said], data: bytes, book: str) -> Said | None:
    # What no database could store would be tried for ever, and everything else would wait.
    try:
        said = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    is_sound = said.book == book and _is_time(said.at_ns) and _is_time(said.venue_at_ns)
    return said if is_sound and b"\\u0000" not in data else None


def _is_time(at_ns: int) -> bool:
    return 0 <= at_ns < AMOUNT_LIMIT


class _Trades:
    """Gives each entry of a log its number."""

    def __init__(self, book: str, inbox: Inbox) -> None:
        self._book, self._inbox = book, inbox
        self._sequence = 0

    def show(self, sequence: int, entries: Sequence[LogEntry], reason: Reason) -> None:
        self._sequence = sequence - len(entries)
        for entry in entries:
            self.follow(entry)

    def follow(self, entry: LogEntry) -> None:
        self._sequence += 1
        self._inbox.put_trade(self._book, self._sequence, entry)


class _Touch:
    def __init__(self, book: str, inbox: Inbox) -> None:
        self._book, self._inbox = book, inbox

    def show(self, value: ValueNow, reason: Reason) -> None:
        self.follow(value)

    def follow(self, value: ValueNow) -> None:
        self._inbox.put_touch(self._book, value)


class _Lane:
    def __init__(self, address: str, follower: Follower) -> None:
        self.address = address
        self.follower = follower
        self.is_confirmed = False
        self.asked_at_s = float("-inf")


class Hearing:
    """Fills the inbox from every `trades:` and `bbo:` of a book; `start` before, `close` after."""

    def __init__(self, redis_url: str, keys: Keys, inbox: Inbox) -> None:
        self._keys, self._inbox = keys, inbox
        self._presence = Presence()
        self._lanes: dict[str, _Lane] = {}  # By channel.
        self._by_address: dict[str, _Lane] = {}
        self._listener = Listener(
            redis_url,
            {keys.feeds_channel: self._on_alive},
            on_gap=self._on_gap,
            on_subscribed=self._on_subscribed,
        )
        self._client = connect_async(redis_url, timeout_s=ASK_TIMEOUT_S, pool_size_max=1)
        self._is_alive_asked = False
        self._task: asyncio.Task[None] | None = None

    @property
    def channel_count(self) -> int:
        """How many channels are followed."""
        return len(self._lanes)

    @property
    def gap_count(self) -> int:
        """How often something of the channels that are followed was missed."""
        return sum(lane.follower.gap_count for lane in self._lanes.values())

    async def start(self) -> None:
        self._task = spawn(self._run(), "outside-hearing")
        await self._listener.start()

    async def close(self) -> None:
        await self._listener.close()
        await stop(self._task)
        await self._client.aclose()

    def _on_alive(self, data: bytes) -> None:
        try:
            heard = self._presence.hear(decode_alive(data), time.monotonic())
        except DecodeError:
            self._inbox.unreadable += 1
            return
        self._leave(heard.gone)
        for state in heard.came:
            self._follow(state)
        for state in heard.states:
            lane = self._lanes.get(state.channel)
            if lane is not None:
                lane.follower.hear(state.sequence)

    def _follow(self, state: ChannelState) -> None:
        prefix, _, book = state.channel.partition(":")
        follower: Follower
        if len(book.split(":")) != BOOK_PARTS or len(self._lanes) >= 2 * BOOKS_MAX:
            return
        if prefix == "trades" and state.kind is Kind.LOG:
            follower = LogFollower(_Trades(book, self._inbox))
        elif prefix == "bbo" and state.kind is Kind.VALUE:
            follower = ValueFollower(_Touch(book, self._inbox))
        else:
            return
        address = self._keys.feed_channel(self._presence.owners[state.channel], state.channel)
        lane = self._lanes[state.channel] = self._by_address[address] = _Lane(address, follower)
        self._listener.add(address, lambda data: self._on_publication(lane, data))

    def _leave(self, names: Sequence[str]) -> None:
        for name in names:
            lane = self._lanes.pop(name, None)
            if lane is not None:
                del self._by_address[lane.address]
                self._listener.leave(lane.address)

    def _on_publication(self, lane: _Lane, data: bytes) -> None:
        try:
            lane.follower.take(decode_publication(data))
        except DecodeError:
            self._inbox.unreadable += 1

    def _on_subscribed(self, address: str) -> None:
        if address in self._by_address:
            self._by_address[address].is_confirmed = True

    def _on_gap(self) -> None:
        self._presence.begin_again(time.monotonic())
        self._is_alive_asked = True
        for lane in self._lanes.values():
            lane.is_confirmed = True
            lane.asked_at_s = float("-inf")

    async def _run(self) -> None:
        is_told = False
        while True:
            await asyncio.sleep(ROUND_S)
            self._leave(self._presence.pass_time(time.monotonic()))
            try:
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    await self._ask()
                is_told = False
            except (redis.RedisError, OSError, TimeoutError) as error:
                if not is_told:
                    _log.warning("outside_not_asked", reason=str(error))
                is_told = True

    async def _ask(self) -> None:
        if self._is_alive_asked:
            await self._client.publish(self._keys.feeds_asked_channel, encode(Ask()))
            self._is_alive_asked = False
        now_s = time.monotonic()
        behind = [
            (name, lane)
            for name, lane in self._lanes.items()
            if lane.is_confirmed
            and lane.follower.is_behind
            and now_s >= lane.asked_at_s + IMAGE_RETRY_S
        ][:IMAGES_ASKED_MAX]
        if behind:
            for _, lane in behind:
                lane.asked_at_s = now_s
            names = tuple(name for name, _ in behind)
            await self._client.publish(self._keys.feeds_asked_channel, encode(Ask(names)))
