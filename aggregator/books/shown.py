"""A live book as those who only look at it see it.

The rule of this file: what is asked of a book, and nothing of where it comes from: a feed of this
process, or another process's publications.
"""

from typing import Protocol

from aggregator.books.side import Side


class Shown(Protocol):
    """All its levels are inside its trusted range: those with keys from `trusted_..._key` up, in
    the side's own keys (below zero for asks). None: the side is complete to its end.
    """

    @property
    def bids(self) -> Side: ...
    @property
    def asks(self) -> Side: ...
    @property
    def trusted_bid_key(self) -> int | None: ...
    @property
    def trusted_ask_key(self) -> int | None: ...
