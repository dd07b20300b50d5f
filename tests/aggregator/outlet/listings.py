"""Listings as a desk has them, for tests that have no desk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.books.side import Side
from aggregator.books.words import BookCounts, BookState
from aggregator.protocol import to_units
from shared.channels import Keys
from shared.publishing import (
    BookChange,
    BookImage,
    LogEntries,
    Publication,
    Publisher,
    ValueNow,
    decode_publication,
)

KEYS = Keys("test")
Texts = Sequence[tuple[str, str]]


@dataclass
class FakeBook:
    bids: Side = field(default_factory=lambda: Side(1))
    asks: Side = field(default_factory=lambda: Side(-1))
    last_id: int = -1
    venue_at_ns: int = 0
    received_at_ns: int = 0
    trusted_bid_key: int | None = None
    trusted_ask_key: int | None = None


class FakeDifference(NamedTuple):
    is_whole: bool
    bids: tuple[int, ...] = ()
    asks: tuple[int, ...] = ()


@dataclass
class FakeListing:
    name: str = "kraken:spot:BTC/USD"
    pair: str = "BTC/USD"
    book: FakeBook = field(default_factory=FakeBook)
    counts: BookCounts = field(default_factory=BookCounts)
    state: BookState = BookState.EMPTY
    since_ns: int = 1
    reason: str = ""
    is_changed: bool = False
    _is_whole: bool = False
    _bids: set[int] = field(default_factory=set)
    _asks: set[int] = field(default_factory=set)

    def go_live(self, bids: Texts, asks: Texts, at_ns: int = 2) -> None:
        self.book.bids.replace(levels(bids, 1))
        self.book.asks.replace(levels(asks, -1))
        self.book.last_id += 1
        self.is_changed = True
        self.state, self.since_ns, self.reason, self._is_whole = BookState.LIVE, at_ns, "", True

    def change(self, bids: Texts = (), asks: Texts = ()) -> None:
        for side, texts, seen in (
            (self.book.bids, bids, self._bids),
            (self.book.asks, asks, self._asks),
        ):
            changed = levels(texts, side.sign)
            side.change(changed)
            seen.update(key for key, _ in changed)
        self.book.last_id += 1
        self.is_changed = True

    def fail(self, state: BookState, reason: str, at_ns: int = 3) -> None:
        self.state, self.since_ns, self.reason = state, at_ns, reason
        self.is_changed = True

    def take_change(self) -> FakeDifference:
        taken = FakeDifference(self._is_whole, tuple(self._bids), tuple(self._asks))
        self._is_whole, self._bids, self._asks = False, set(), set()
        return taken


def levels(texts: Texts, sign: int) -> list[tuple[int, int]]:
    return [(to_units(price) * sign, to_units(quantity)) for price, quantity in texts]


class Told:
    """What was published, in order, and the books as whoever follows them sees them."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.books: dict[str, tuple[dict[int, tuple[str, ...]], dict[int, tuple[str, ...]]]] = {}

    def take(self, at_s: float = 0.0) -> list[tuple[str, Publication]]:
        names = {channel.address: name for name, channel in self._publisher.channels.items()}
        said = [
            (names[address], decode_publication(data))
            for address, data in self._publisher.take(at_s)
            if address in names
        ]
        for name, publication in said:
            self._follow(name, publication)
        return said

    def values(self, said: Iterable[tuple[str, Publication]], name: str) -> list[bytes]:
        return [each.data for at, each in said if at == name and isinstance(each, ValueNow)]

    def entries(self, said: Iterable[tuple[str, Publication]], name: str) -> list[bytes]:
        return [
            entry.data
            for at, each in said
            if at == name and isinstance(each, LogEntries)
            for entry in each.entries
        ]

    def book(self, name: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
        """Return a followed book as its texts, best level first."""
        bids, asks = self.books[name]
        return (
            [bids[key] for key in sorted(bids, reverse=True)],
            [asks[key] for key in sorted(asks)],
        )

    def _follow(self, name: str, said: Publication) -> None:
        if isinstance(said, BookImage):
            self.books[name] = ({}, {})
        if isinstance(said, BookImage | BookChange):
            for side, told in zip(
                self.books.setdefault(name, ({}, {})), (said.bids, said.asks), strict=True
            ):
                for key, texts in told:
                    if texts:
                        side[key] = texts
                    else:
                        side.pop(key, None)


def a_publisher() -> Publisher:
    publisher = Publisher("aggregator", KEYS, boot_us=1)
    publisher.take(0.0)
    return publisher
