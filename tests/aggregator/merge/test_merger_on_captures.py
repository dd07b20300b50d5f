"""Recorded books of four feeds as one, against all their levels put together from the start.

The recordings are of different days, so their prices are far apart: everything is crossed, and the
consolidated book is as deep in trouble as it can be.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.listing import Listing
from aggregator.books.plan import ConnectionPlan
from aggregator.books.side import Side
from aggregator.books.words import BookState
from aggregator.merge import MergeOptions, Merger, SymbolChange
from aggregator.protocol import to_units
from aggregator.registry import load_connectors
from tests.support.recorded import Row, recorded_rows

RECORDINGS = (
    # The recording, its feed, and what its addresses have in them.
    ("bybit-v5-linear-and-spot", "bybit:spot", "/spot"),
    ("bybit-v5-linear-and-spot", "bybit:linear", "/linear"),
    ("coinbase-advanced-trade", "coinbase:spot", ""),
    ("kraken-spot-btcusd-depth25", "kraken:spot", ""),
)
OPTIONS = MergeOptions(quote_map={"USDT": "USD"}, taker_fees_ppm={"kraken:spot": 4_000})
CHECKED_EVERY = 400  # Reckoning everything anew takes much longer than what is tested.

Told = dict[int, tuple[str, ...]]


class Venue:
    """One feed, fed frame by frame."""

    def __init__(self, feed: str, rows: list[Row]) -> None:
        connector, manifest = load_connectors()[feed]
        self.desk = Desk(connector, manifest, (), DeskOptions(guess_symbols=True))
        plan = ConnectionPlan(0, manifest.sockets[0], rows[0].url, (), ())
        self.desk.opened(0, plan, rows[0].at_ns)
        self.rows = [row for row in rows if row.kind == "recv"]


def venues(data_dir: Path) -> list[Venue]:
    return [
        Venue(feed, [row for row in recorded_rows(data_dir, name) if mark in row.url])
        for name, feed, mark in RECORDINGS
    ]


def in_turns(all_venues: list[Venue]) -> Iterator[tuple[Venue, Row]]:
    for rows in zip_longest(*(venue.rows for venue in all_venues)):
        for venue, row in zip(all_venues, rows, strict=True):
            if row is not None:
                yield venue, row


class Watched:
    """A merger that is told of every change, and what its readers have of it."""

    def __init__(self) -> None:
        self.merger = Merger(OPTIONS)
        self.told: dict[str, tuple[Told, Told]] = {}
        self.changes = 0

    def look(self, listing: Listing) -> None:
        difference = listing.take_change()
        if listing.state is not BookState.LIVE:
            self.merger.leave_out(listing.status)
        elif difference.is_whole:
            self.merger.show(listing.name, listing.book)
        else:
            self.merger.change(listing.name, listing.book, difference.bids, difference.asks)

    def take(self) -> None:
        for change in self.merger.take_changes(1):
            self.changes += 1
            self._take(change)

    def _take(self, change: SymbolChange) -> None:
        told = self.told.setdefault(change.symbol, ({}, {}))
        for levels, changed in zip(told, (change.bids, change.asks), strict=True):
            for price, texts in changed:
                levels.pop(price, None)
                if texts:
                    levels[price] = texts


def check(watched: Watched, listings: list[Listing]) -> int:
    """Compare with the books themselves; return how many levels there were."""
    count = 0
    for symbol, consolidated in watched.merger.symbols.items():
        ours = {
            one.name: one.book
            for one in listings
            if one.state is BookState.LIVE and one.name in consolidated.bids.sides
        }
        for at in (0, 1):
            sides = {name: (book.bids, book.asks)[at] for name, book in ours.items()}
            told = watched.told[symbol][at]
            expected = _union(sides)
            best = sorted(expected, reverse=not at)
            assert set(told) == set(best[: len(told)])
            assert len(told) >= min(len(expected), 1_000)
            for price, texts in told.items():
                shares = dict(zip(texts[2::2], map(to_units, texts[3::2]), strict=True))
                assert shares == expected[price]
                assert to_units(texts[1]) == sum(shares.values())
            count += len(told)
    return count


def _union(sides: dict[str, Side]) -> dict[int, dict[str, int]]:
    levels: dict[int, dict[str, int]] = {}
    for name, side in sides.items():
        for key, quantity in side.quantities.items():
            levels.setdefault(abs(key), {})[name] = quantity
    return levels


def test_recorded_books_add_up_level_by_level(data_dir: Path) -> None:
    all_venues, watched = venues(data_dir), Watched()
    listings: dict[str, Listing] = {}
    checked = 0
    for number, (venue, row) in enumerate(in_turns(all_venues), 1):
        venue.desk.received(0, row.data.encode(), row.at_ns)
        for listing in venue.desk.take_changed():
            listings[listing.name] = listing
            watched.look(listing)
        if number % 5 == 0:
            watched.take()
        if number % CHECKED_EVERY == 0:
            watched.take()
            checked += check(watched, list(listings.values()))
    assert checked > 50_000
    assert watched.changes > 1_000
    book = watched.merger.symbols["BTC/USD"]
    assert len(book.bids.sides) == 3
    assert book.info(1).is_crossed
    assert book.info(1).opportunities
