"""What a client of the feed proves: that nothing is missing, and that its book is the server's.
Pure.

The rule of this file: a message is decoded once, however many clients get the same bytes; that it
follows what a client has is checked for each client.
"""

from array import array
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from shared.feed import (
    Answer,
    Bbo,
    DepthDelta,
    DepthSnapshot,
    Error,
    Level,
    MarketUpdate,
    Trade,
    TradesSnapshot,
    book_crc32,
)

KNOWN_MAX = 4_096  # Some seconds of a busy venue; a client further behind has it decoded again.
GONE = "0"
_IS_ANSWER, _IS_SNAPSHOT = b'{"op":', b'{"type":"snapshot"'
_TRADES = "trades:"


class _Head(msgspec.Struct):
    channel: str


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_update = msgspec.json.Decoder(DepthDelta | Bbo | Trade).decode
_decode_depth_snapshot = msgspec.json.Decoder(DepthSnapshot).decode
_decode_trades_snapshot = msgspec.json.Decoder(TradesSnapshot).decode
_decode_answer = msgspec.json.Decoder(Answer).decode


class Step:
    """A message, decoded: from `first` to `last` of its channel's numbers; `first` is 0 for one
    that replaces what was known. `at_ns` are the times at which it reached clients.
    """

    __slots__ = ("at_ns", "channel", "first", "is_depth", "last", "refusal", "update")

    def __init__(self, channel: str, first: int, last: int, update: MarketUpdate | None) -> None:
        self.channel = channel
        self.first = first
        self.last = last
        self.update = update
        self.is_depth = isinstance(update, DepthDelta)
        self.refusal = ""
        self.at_ns = array("q")


class Messages:
    """Every distinct message of the last seconds; `seen` are the updates since the last reset."""

    def __init__(self) -> None:
        self._known: dict[bytes, Step] = {}
        self.seen: list[Step] = []

    def step_of(self, payload: bytes) -> Step:
        """Return the message's step; an answer has no channel, and is an error if it refuses."""
        step = self._known.get(payload)
        return self._decoded(payload) if step is None else step

    def reset(self) -> None:
        """Begin anew with what reached whom."""
        self._known.clear()
        self.seen = []

    def _decoded(self, payload: bytes) -> Step:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        step = self._known[payload] = decoded(payload)
        if step.first:
            self.seen.append(step)
        return step


def decoded(payload: bytes) -> Step:
    """Decode a message of a market's channel, or an answer."""
    if payload.startswith(_IS_ANSWER):
        answer = _decode_answer(payload)
        step = Step("", 0, 0, None)
        if isinstance(answer, Error):
            step.refusal = answer.message
        return step
    if payload.startswith(_IS_SNAPSHOT):
        return _decoded_snapshot(payload)
    update = _decode_update(payload)
    if isinstance(update, DepthDelta):
        return Step(update.channel, update.first_sequence, update.last_sequence, update)
    if isinstance(update, Trade):
        return Step(update.channel, update.trade_id, update.trade_id, update)
    return Step(update.channel, 0, update.sequence, update)


def _decoded_snapshot(payload: bytes) -> Step:
    # Both kinds of snapshot are called so; the channel says which.
    if _decode_head(payload).channel.startswith(_TRADES):
        trades = _decode_trades_snapshot(payload)
        return Step(trades.channel, 0, trades.last_trade_id, trades)
    book = _decode_depth_snapshot(payload)
    return Step(book.channel, 0, book.sequence, book)


class Follower:
    """One client's channels: channel -> the last number it has, -1 before its snapshot.

    `books` are kept by those clients that check the checksums, and None for the others.
    """

    __slots__ = ("books", "last")

    def __init__(self, channels: Iterator[str], *, checks_books: bool) -> None:
        self.last = dict.fromkeys(channels, -1)
        self.books: dict[str, Book] | None = {} if checks_books else None

    @property
    def has_all_snapshots(self) -> bool:
        return -1 not in self.last.values()

    def take(self, step: Step) -> str:
        """Take a message over; return what is wrong with it in one sentence, "" for nothing."""
        channel = step.channel
        last = self.last.get(channel)
        if last is None:
            return f"{channel} was not asked for."
        self.last[channel] = step.last
        if step.first and step.first != last + 1:
            return f"{channel}: {step.first} came after {last}."
        return self._check_book(step) if self.books is not None else ""

    def _check_book(self, step: Step) -> str:
        assert self.books is not None, "only those who keep books check them"
        if not isinstance(step.update, DepthSnapshot | DepthDelta):
            return ""
        if isinstance(step.update, DepthSnapshot):
            self.books[step.channel] = Book()
        crc32 = self.books[step.channel].take(step.update)
        if crc32 != step.update.crc32:
            return f"{step.channel}: at {step.last} the book's checksum is {crc32}."
        return ""


class Book:
    """A client's book, rebuilt from what it was sent."""

    def __init__(self) -> None:
        self._bids: dict[Decimal, Level] = {}
        self._asks: dict[Decimal, Level] = {}

    def take(self, update: DepthSnapshot | DepthDelta) -> int:
        """Take the levels over; return the checksum of the book afterwards."""
        for side, levels in ((self._bids, update.bids), (self._asks, update.asks)):
            for level in levels:
                if level[1] == GONE:
                    side.pop(Decimal(level[0]), None)
                else:
                    side[Decimal(level[0])] = level
        bids, asks = sorted(self._bids, reverse=True), sorted(self._asks)
        return book_crc32((self._bids[p] for p in bids), (self._asks[p] for p in asks))
