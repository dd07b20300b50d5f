"""The channels of this exchange's own markets: `depth`, `depth20`, `bbo` and `trades`.

The rule of this file: a snapshot replaces everything that was known of its channel; whatever
follows it follows by number, and a client can prove that it has missed nothing.
"""

from msgspec import Struct

from shared.feed.words import Level, Message, Reason, Side


class DepthSnapshot(Message, frozen=True, tag="snapshot"):
    """The book, best level first: discard what was known before.

    `crc32` is of this book (`shared.feed.checksum`). `levels` is how many of each side this
    channel shows, left out for the full book. `reason` is left out for the first one after
    `subscribe`; "resync" when the server itself lost its place, "lagged" when this client read too
    slowly (then `lagged` is true).
    """

    market: str
    sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int
    levels: int = 0
    reason: Reason = ""
    lagged: bool = False


class DepthDelta(Message, frozen=True, tag="delta"):
    """What changed from `first_sequence` - 1 to `last_sequence`, best level first.

    `first_sequence` is the last one known, plus 1; anything else is a gap. `crc32` is of the book
    afterwards.
    """

    market: str
    first_sequence: int
    last_sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int


class Bbo(Message, frozen=True, tag="bbo"):
    """The best bid and offer as of the book's `sequence`; null where a side is empty."""

    market: str
    sequence: int
    at_ns: int
    bid_price: str | None
    bid_quantity: str | None
    ask_price: str | None
    ask_quantity: str | None
    reason: Reason = ""
    lagged: bool = False


class Trade(Message, frozen=True, tag="trade"):
    """A trade; `trade_id` counts 1, 2, 3 in each market, `side` is the taker's."""

    market: str
    trade_id: int
    price: str
    quantity: str
    side: Side
    at_ns: int


class RecentTrade(Struct, frozen=True, gc=False):
    """A `Trade` in a list of one market."""

    trade_id: int
    price: str
    quantity: str
    side: Side
    at_ns: int


class TradesSnapshot(Message, frozen=True, tag="snapshot"):
    """The latest trades, newest first; the next trade has `last_trade_id` + 1."""

    market: str
    last_trade_id: int
    trades: list[RecentTrade]
    reason: Reason = ""
    lagged: bool = False


MarketUpdate = DepthSnapshot | DepthDelta | Bbo | Trade | TradesSnapshot
