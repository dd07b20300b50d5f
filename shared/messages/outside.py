"""What the aggregator says of outside exchanges: one closed set of messages, in JSON.

The rule of this file: prices and quantities are decimal texts. Each message says of which book it
is and in what state that is, so that nobody takes an old number for a new one. A `book` is
`venue:market_type:BASE/QUOTE`, as in `bybit:linear:BTC/USDT`. Empty texts and 0 mean: not known.
"""

from enum import StrEnum

import msgspec

from shared.messages.words import Side


class BookState(StrEnum):
    EMPTY = "empty"  # Nothing has come yet.
    BUFFERING = "buffering"  # Updates are kept until a snapshot comes.
    SYNCING = "syncing"  # A snapshot is there and is being joined to the updates.
    LIVE = "live"  # Complete, proven as far as the venue lets us, and fresh.
    STALE = "stale"  # It was right, and has not changed for longer than it should.
    RESYNC = "resync"  # An update is missing or the book was found wrong: it begins anew.
    HALTED = "halted"  # The venue refuses it, or we gave up: an operator has to look.


class FeedState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    RESYNC = "resync"
    REFUSED = "refused"
    BREAKER_OPEN = "breaker_open"  # Too many failures in a row: it rests for a while.
    HALTED = "halted"  # Until `rialto aggregator resume`.


class OutsideMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """What all have: a `kind`, and Unix nanoseconds of this machine. Of a book that is live, and of
    its touch, they are when the newest frame in it was received.
    """

    at_ns: int


class OutsideBook(OutsideMessage, frozen=True, kw_only=True, tag="book"):
    """The `info` beside the levels of `book:<book>`.

    Between `trusted_bid` and `trusted_ask` the book is known to be complete; beyond them nothing
    is known, and no level is shown. An empty text: complete to the end. `venue_sequence` is the
    venue's own number of these very levels. `evidence` is by what the book is proven.
    """

    book: str
    state: BookState
    since_ns: int
    reason: str = ""
    trusted_bid: str = ""
    trusted_ask: str = ""
    venue_sequence: int = 0
    venue_at_ns: int = 0
    evidence: str = ""
    verified: int = 0
    mismatched: int = 0


class OutsideBbo(OutsideMessage, frozen=True, kw_only=True, tag="bbo"):
    """`bbo:<book>`: the best bid and ask; all empty while the book is not live."""

    book: str
    state: BookState
    bid: str = ""
    bid_quantity: str = ""
    ask: str = ""
    ask_quantity: str = ""
    venue_at_ns: int = 0


class OutsidePrice(OutsideMessage, frozen=True, kw_only=True, tag="price"):
    """`price:<book>`: the last trade."""

    book: str
    price: str
    quantity: str
    taker_side: Side
    venue_at_ns: int = 0


class OutsideTrade(OutsideMessage, frozen=True, kw_only=True, tag="trade"):
    """`trades:<book>` and `trades:consolidated:<BASE/QUOTE>`: each trade once.

    `is_recovered`: it happened while the connection was lost, and was asked for afterwards.
    """

    book: str
    trade_id: str
    price: str
    quantity: str
    taker_side: Side
    venue_at_ns: int = 0
    is_recovered: bool = False


class SymbolStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    book: str
    state: BookState
    since_ns: int
    reason: str = ""


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    feed: str
    state: FeedState
    since_ns: int
    reason: str = ""
    books: tuple[SymbolStatus, ...] = ()


class VenueStatus(OutsideMessage, frozen=True, kw_only=True, tag="status"):
    """`status:<venue>`: the worst of its feeds, one of each market type, and why."""

    venue: str
    state: FeedState
    since_ns: int
    reason: str = ""
    feeds: tuple[FeedStatus, ...] = ()


class Opportunity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Buy at one book's ask, sell at another's bid. `quantity` is what both have at prices that
    leave something after both taker fees, and `profit` what is left of it, in the quote asset,
    rounded down. One that goes very deep has this much, and more.
    """

    buy_book: str
    sell_book: str
    ask: str
    bid: str
    quantity: str
    profit: str


class ConsolidatedBook(OutsideMessage, frozen=True, kw_only=True, tag="consolidated"):
    """The `info` beside the levels of `book:consolidated:<BASE/QUOTE>`.

    Each level is price, quantity, and then book and quantity of each venue that has some there.
    Each book's levels are there as far as that book is known. Between `trusted_bid` and
    `trusted_ask` all of them are known, so that totals are complete; an empty text: to the end.
    `locked` is best bid = best ask, `crossed` best bid > best ask, of different books. Prices
    after fees are of the book with the best one, rounded against the taker.
    """

    symbol: str
    books: tuple[str, ...] = ()  # Those in it: all live.
    left_out: tuple[SymbolStatus, ...] = ()
    taker_fees_ppm: tuple[int, ...] = ()  # Of each of `books`, in their order.
    bid: str = ""
    ask: str = ""
    trusted_bid: str = ""
    trusted_ask: str = ""
    bid_after_fees: str = ""
    ask_after_fees: str = ""
    bid_after_fees_book: str = ""
    ask_after_fees_book: str = ""
    is_locked: bool = False
    is_crossed: bool = False
    opportunities: tuple[Opportunity, ...] = ()


class Signals(OutsideMessage, frozen=True, kw_only=True, tag="signals"):
    """`signals:<book>`: what each analysis says now, by its name; texts are decimals.

    What there is not enough data for is not in it.
    """

    book: str
    state: BookState
    values: dict[str, msgspec.Raw]


class AggregatorMetrics(OutsideMessage, frozen=True, kw_only=True, tag="metrics"):
    """`metrics`: what the aggregator did in the last second and since it began, as named numbers
    by part. Times are whole microseconds.
    """

    producer: str
    parts: dict[str, msgspec.Raw]


OutsideSaid = (
    OutsideBook
    | OutsideBbo
    | OutsidePrice
    | OutsideTrade
    | VenueStatus
    | ConsolidatedBook
    | Signals
    | AggregatorMetrics
)
