"""What the venues with named streams say alike: touches, trades, best levels, lists of symbols.

The rule of this file: shapes and how to read them; fields have the names that they have in
messages. Changes of books differ from venue to venue, so those are in the venues' own files.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import asked_limit, to_ns
from aggregator.protocol.lists import Envelope, InstrumentList
from aggregator.protocol.named_streams import NAME_CHARS_MAX, Named, Number, Reader
from aggregator.protocol.notices import FrameError
from aggregator.protocol.reading import decoded
from aggregator.protocol.requests import Request
from aggregator.protocol.updates import BookUpdate, Change, TouchUpdate, TradeUpdate, Update
from shared.messages import Side

# Positions that a venue takes over or closes: nobody met anybody in the book.
_NO_TRADES = frozenset({"INSURANCE_FUND", "ADL", "NA"})
_STREAMED_DEPTHS = {"5": 5, "10": 10, "20": 20}
_LIMIT_UNASKED = 100  # Levels that come without a word on how many, or more.
STREAMED_DEPTHS = tuple(_STREAMED_DEPTHS.values())  # Of snapshots that come in a stream.


class Ticker(msgspec.Struct, gc=False):
    u: Number
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Number = 0


class Trade(msgspec.Struct, gc=False):
    s: str
    t: Number
    p: str
    q: str
    T: Number
    m: bool  # The buyer's order was there first: the seller took.
    X: str = "MARKET"


class Aggregate(msgspec.Struct, gc=False):
    """Trades of one order at one price, as HTTP tells of them."""

    a: Number
    p: str
    q: str
    T: Number
    m: bool


class StreamedAggregate(Aggregate, gc=False):
    s: str


class BestLevels(msgspec.Struct, gc=False):
    lastUpdateId: Number
    bids: list[Change]
    asks: list[Change]
    T: Number = 0


def _read_ticker(stream: str, data: Ticker) -> Sequence[Update]:
    at_ns = data.T and to_ns(data.T)  # Spot tells none, of the most frequent message there is.
    return (TouchUpdate(data.s, data.u, data.b, data.B, data.a, data.A, at_ns),)


def _read_trade(stream: str, data: Trade) -> Sequence[Update]:
    if data.X in _NO_TRADES:
        return ()
    side, at_ns, number = Side.SELL if data.m else Side.BUY, to_ns(data.T), data.t
    return (TradeUpdate(data.s, str(number), data.p, data.q, side, at_ns, number),)


def _read_aggregate(stream: str, data: StreamedAggregate) -> Sequence[Update]:
    return (_aggregate(data.s, data),)


def _aggregate(symbol: str, data: Aggregate, *, is_history: bool = False) -> TradeUpdate:
    side, at_ns, number = Side.SELL if data.m else Side.BUY, to_ns(data.T), data.a
    trade = TradeUpdate(symbol, str(number), data.p, data.q, side, at_ns, number, is_history)
    trade.is_aggregate = True
    return trade


LISTED = InstrumentList(
    envelope=Envelope(rows="symbols"),
    symbol="symbol",
    base="baseAsset",
    quote="quoteAsset",
    price_tick="filters.PRICE_FILTER.tickSize",
    quantity_steps=("filters.LOT_SIZE.stepSize",),
    listed_if={
        "status": ("TRADING",),
        "contractStatus": ("TRADING",),
        # Of futures those without an end: one with a date has the same base and quote.
        "contractType": ("", "PERPETUAL", "TRADIFI_PERPETUAL"),
    },
)
# Those of touches and trades; a venue adds those of its books.
READERS: dict[bytes, Reader] = {
    b"@bookTi": (Decoder(Named[Ticker]), _read_ticker),
    b'@trade"': (Decoder(Named[Trade]), _read_trade),
    b"@aggTra": (Decoder(Named[StreamedAggregate]), _read_aggregate),
}
CHANGES_KEYS = (b"@depth@", b'@depth"')
SNAPSHOTS_KEYS = (b"@depth5", b"@depth1", b"@depth2")
_BEST_LEVELS = Decoder(BestLevels)
_AGGREGATES = Decoder(list[Aggregate])


def streamed_depth(stream: str) -> int:
    """Return of how many levels the snapshots of a stream such as `btcusdt@depth20@100ms` are."""
    depth = _STREAMED_DEPTHS.get(stream.partition("@depth")[2].partition("@")[0])
    if depth is None:
        raise FrameError(f"There is no stream {stream[:NAME_CHARS_MAX]!r}.")
    return depth


def ask_for_best_levels(url: str, symbol: str, depth: int, weights: Mapping[int, int]) -> Request:
    """Return what to ask for `depth` levels, or the least more that can be had; depth 0: for the
    most. `weights` are by number of levels.
    """
    limit = next((limit for limit in weights if limit >= depth > 0), max(weights))
    query = f"symbol={quote(symbol)}&limit={limit}"
    return Request(f"{url}?{query}", weights[limit], partial(read_best_levels, symbol))


def read_best_levels(symbol: str, body: bytes, url: str) -> Sequence[Update]:
    """Return the book: the whole one if it has fewer levels than were asked for."""
    data = decoded(_BEST_LEVELS, body)
    number = data.lastUpdateId
    book = BookUpdate(symbol, data.bids, data.asks, True, number, number)
    book.venue_at_ns = to_ns(data.T)
    book.is_whole = max(len(data.bids), len(data.asks)) < asked_limit(url, _LIMIT_UNASKED)
    return (book,)


def read_aggregates(symbol: str, body: bytes, url: str) -> Sequence[Update]:
    """Return the latest trades, aggregated as in the stream."""
    return [_aggregate(symbol, past, is_history=True) for past in decoded(_AGGREGATES, body)]
