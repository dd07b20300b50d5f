"""What a book and a feed can be, and what is counted of them.

The rule of this file: words and counters only.
"""

from enum import StrEnum

import msgspec

from shared.messages import BookState, Side

__all__ = ["BookCounts", "BookState", "Need", "Trade"]


class Need(StrEnum):
    """What a book waits for that only we can bring about."""

    NOTHING = "nothing"
    SNAPSHOT = "snapshot"  # By HTTP.
    SUBSCRIPTION = "subscription"  # Its topic has to be subscribed to anew.
    CONNECTION = "connection"  # The whole connection has to begin anew.


class BookCounts(msgspec.Struct):
    """Since the desk began; a book that replaces another one goes on counting."""

    messages: int = 0  # Of any kind, for this symbol.
    updates: int = 0  # Book updates that were applied; repeats are none.
    trades: int = 0
    verified: int = 0  # Times that the venue's evidence agreed.
    mismatched: int = 0
    gaps: int = 0
    resyncs: int = 0
    duplicates: int = 0
    unknown_deletes: int = 0
    crossed: int = 0  # Updates after which the best bid was not below the best ask.
    trades_missed: int = 0  # Known from the venue's numbers, and not to be had any more.
    trade_gaps: int = 0  # Losses of trades without numbers: nobody can say of how many.
    malformed: int = 0


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A trade with its numbers in units; `is_recovered` came late, after a lost connection."""

    book: str
    trade_id: str
    price: int
    quantity: int
    taker_side: Side
    venue_at_ns: int
    received_at_ns: int
    is_recovered: bool = False
