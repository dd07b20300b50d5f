"""What the outlet looks at, whoever has it.

The rule of this file: shapes only, as `aggregator.books` has them.
"""

from collections.abc import Collection
from typing import Protocol

from aggregator.books.side import Side
from aggregator.books.words import BookCounts, BookState


class Book(Protocol):
    """A book as it is now; beyond the trusted keys nothing is known (None: it is complete)."""

    @property
    def bids(self) -> Side: ...
    @property
    def asks(self) -> Side: ...
    @property
    def last_id(self) -> int: ...
    @property
    def venue_at_ns(self) -> int: ...
    @property
    def received_at_ns(self) -> int: ...
    @property
    def trusted_bid_key(self) -> int | None: ...
    @property
    def trusted_ask_key(self) -> int | None: ...


class Difference(Protocol):
    """What has changed since it was last asked: keys of both sides, or everything."""

    @property
    def is_whole(self) -> bool: ...
    @property
    def bids(self) -> Collection[int]: ...
    @property
    def asks(self) -> Collection[int]: ...


class Listing(Protocol):
    """One book of a feed, whichever connection fills it."""

    @property
    def name(self) -> str: ...
    @property
    def pair(self) -> str: ...
    @property
    def book(self) -> Book: ...
    @property
    def counts(self) -> BookCounts: ...
    @property
    def state(self) -> BookState: ...
    @property
    def since_ns(self) -> int: ...
    @property
    def reason(self) -> str: ...
    def take_change(self) -> Difference: ...
