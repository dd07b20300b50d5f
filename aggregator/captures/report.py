"""What a replay found, book by book.

The rule of this file: counts are the desk's own; several recordings with the same book add up.
"""

from collections.abc import Iterable

import msgspec

from aggregator.books.words import BookState
from aggregator.captures.latencies import Latencies
from aggregator.captures.player import Playing, listings_of
from aggregator.protocol import Evidence, to_text


class BookReport(msgspec.Struct, kw_only=True):
    """One book. `messages` are the frames that say something of it. The best bid and ask are
    decimal texts, None while the book is not live; times are of parse, apply and verify of a
    message, in microseconds.
    """

    book: str
    messages: int = 0
    updates: int = 0
    trades: int = 0
    verified: int = 0
    mismatched: int = 0
    gaps: int = 0
    resyncs: int = 0
    crossed: int = 0
    state: str = ""
    best_bid: str | None = None
    best_ask: str | None = None
    p50_us: float = 0
    p95_us: float = 0
    p99_us: float = 0


COUNTED = (
    "updates",
    "trades",
    "verified",
    "mismatched",
    "gaps",
    "resyncs",
    "crossed",
)


class Tally:
    """The books of one replay, of one recording or several."""

    def __init__(self, pairs: frozenset[str] = frozenset()) -> None:
        self.reasons: list[str] = []
        self.unprovable: set[str] = set()  # Feeds that give no evidence.
        self.pairs_seen: set[str] = set()
        self._pairs = pairs
        self._reports: dict[str, BookReport] = {}
        self._latencies: dict[str, Latencies] = {}

    @property
    def books(self) -> list[BookReport]:
        """By name."""
        return [self._reports[name] for name in sorted(self._reports)]

    @property
    def is_proven(self) -> bool:
        """Something was verified, and nothing was found wrong."""
        books = self.books
        is_wrong = any(book.mismatched for book in books) or bool(self.pairs_missing)
        return any(book.verified for book in books) and not is_wrong

    @property
    def pairs_missing(self) -> list[str]:
        """Those that were asked for, and of which nothing was recorded."""
        return sorted(self._pairs - self.pairs_seen)

    def add(self, playing: Iterable[Playing]) -> None:
        """Count what the desks of a recording that has ended found."""
        for one, listing in listings_of(playing):
            self.pairs_seen.add(listing.pair)
            if self._pairs and listing.pair not in self._pairs:
                continue
            report = self._reports.setdefault(listing.name, BookReport(book=listing.name))
            for name in COUNTED:
                setattr(report, name, getattr(report, name) + getattr(listing.counts, name))
            report.state = listing.state.value
            is_live = listing.state is BookState.LIVE
            bid, ask = listing.book.bids.best_price, listing.book.asks.best_price
            report.best_bid = to_text(bid) if is_live and bid is not None else None
            report.best_ask = to_text(ask) if is_live and ask is not None else None
            self._time(report, one.latencies.get(listing.pair))
        for one in playing:
            if one.desk.manifest.evidence is Evidence.NONE:
                self.unprovable.add(one.feed)
            self.reasons += [
                f"{found.book}: {found.reason}"
                for found in one.mismatches
                if found.book in self._reports
            ]

    def _time(self, report: BookReport, latencies: Latencies | None) -> None:
        kept = self._latencies.setdefault(report.book, Latencies())
        if latencies is not None:
            kept.merge(latencies)
        report.messages = kept.count
        report.p50_us = kept.percentile_us(50)
        report.p95_us = kept.percentile_us(95)
        report.p99_us = kept.percentile_us(99)
