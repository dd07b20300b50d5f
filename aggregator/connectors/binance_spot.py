"""Binance spot, and Binance.US: the book is joined from a snapshot by HTTP and a stream of changes.

The rule of this file: what the venue's documents say, and nothing that lasts longer than a call.

Two ways to have a book. Depth 0 is the whole one: the changes of `@depth` on a snapshot. Depths 5,
10 and 20 are `@depth20`: each frame is a whole snapshot of the best levels, costs next to nothing
to follow and cannot go wrong; there is nothing to fetch for it, so `fetch_snapshot` returns None.
In both the stream `@bookTicker`, whose `u` is a number of the same book, tells whether it is right.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import to_ns
from aggregator.protocol.defaults import one_address
from aggregator.protocol.lists import TradeList
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Rest, Socket, Topic
from aggregator.protocol.named_streams import Named, Number, Reader, read_named, stream_requests
from aggregator.protocol.notices import Instrument
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.stream_shapes import (
    CHANGES_KEYS,
    LISTED,
    READERS,
    SNAPSHOTS_KEYS,
    STREAMED_DEPTHS,
    BestLevels,
    ask_for_best_levels,
    streamed_depth,
)
from aggregator.protocol.symbols import USUAL_IN_USDT, split_symbol
from aggregator.protocol.updates import BookUpdate, Change, Update
from shared.messages import Side

# How many levels can be asked for, and what of the 6,000 a minute that takes.
_WEIGHTS = {100: 5, 500: 25, 1000: 50, 5000: 250}

_PAST_TRADES = TradeList(
    trade_id="id",
    price="price",
    quantity="qty",
    side="isBuyerMaker",  # The buyer's order was there first: the seller took.
    taker_sides={True: Side.SELL, False: Side.BUY},
    time="time",
    counts_one_by_one=True,
)
_REST = Rest(
    url="https://api.binance.com/api/v3",
    weight_per_minute_max=6_000,
    used_weight_header="x-mbx-used-weight-1m",
    forbidden_s=60,  # Its firewall says so, and not for how long.
)
_COM = Manifest(
    venue="binance",
    market_type="spot",
    documents=(
        "https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams",
        "https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits",
    ),
    checked_on="2026-11-21",
    sockets=(
        Socket(
            name="market",
            url="wss://stream.binance.com:9443/stream",
            kinds=(Kind.BOOK, Kind.TOUCH, Kind.TRADES),
            topics_max=1_024,
            messages_per_s_max=4,  # It allows 5, and counts our answers to its pings too.
        ),
    ),
    hosts_before=("data-stream.binance.vision",),
    rest=_REST,
    chain=Chain.CONTIGUOUS,
    snapshot_from=SnapshotFrom.REST,
    evidence=Evidence.TOUCH,
    depths=(0, *STREAMED_DEPTHS),
    intervals_ms=(100, 1_000),
    interval_ms_default=100,
    silence_s=60,
    stale_s=30,
    stale_reason="The pairs that most follow change many times a second, day and night.",
    mute_s=5,  # A recorded connection was never silent for two seconds, whatever its pairs were.
    lifetime_s=24 * 3_600,
    connects_per_5_minutes_max=300,
    symbols_default=USUAL_IN_USDT,
    taker_fee_ppm=1_000,  # A regular user's: https://www.binance.com/en/fee/trading
)
_US = msgspec.structs.replace(
    _COM,
    venue="binance-us",
    documents=("https://docs.binance.us/#websocket-market-streams",),
    from_documents_alone=True,
    sockets=(msgspec.structs.replace(_COM.sockets[0], url="wss://stream.binance.us:9443/stream"),),
    hosts_before=(),
    rest=msgspec.structs.replace(_REST, url="https://api.binance.us/api/v3"),
    silence_s=600,
    stale_s=300,
    stale_reason="Few trade there: minutes may pass until something changes.",
    mute_s=0,
    symbols_default=("BTC/USDT", "ETH/USDT"),
    # The dearest pairs': https://www.binance.us/fees. Too high a fee feigns no profit.
    taker_fee_ppm=6_000,
)
MANIFESTS = (_COM, _US)

build_subscription_url = one_address  # Of combined streams.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return the SUBSCRIBE or UNSUBSCRIBE messages."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    return stream_requests([_stream(manifest, topic) for topic in topics], size, wanted=wanted)


def _stream(manifest: Manifest, topic: Topic) -> str:
    symbol = topic.symbol.lower()
    if topic.kind is not Kind.BOOK:
        return f"{symbol}@{'trade' if topic.kind is Kind.TRADES else 'bookTicker'}"
    interval_ms = topic.interval_ms or manifest.interval_ms_default
    speed = "" if interval_ms == 1_000 else f"@{interval_ms}ms"
    return f"{symbol}@depth{topic.depth or ''}{speed}"


# The fields of what comes have the venue's own names.
class _Depth(msgspec.Struct, gc=False):
    s: str
    U: Number
    u: Number
    b: list[Change]
    a: list[Change]
    E: Number = 0


def _read_depth(stream: str, data: _Depth) -> Sequence[Update]:
    at_ns = to_ns(data.E)
    return (BookUpdate(data.s, data.b, data.a, False, data.U, data.u, venue_at_ns=at_ns),)


def _read_levels(stream: str, data: BestLevels) -> Sequence[Update]:
    symbol, depth = stream.partition("@")[0].upper(), streamed_depth(stream)
    number = data.lastUpdateId
    return (BookUpdate(symbol, data.bids, data.asks, True, number, number, depth=depth),)


_DEPTH: Reader = Decoder(Named[_Depth]), _read_depth
_LEVELS: Reader = Decoder(Named[BestLevels]), _read_levels
_READERS = {
    **READERS,
    **dict.fromkeys(CHANGES_KEYS, _DEPTH),
    **dict.fromkeys(SNAPSHOTS_KEYS, _LEVELS),
}


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    """Return what a frame says."""
    return read_named(frame, _READERS)


def fetch_snapshot(manifest: Manifest, symbol: str, depth: int) -> Request | None:
    """Return what to ask for the best levels, 5,000 a side for depth 0; None for the depths that
    come as snapshots in the stream.
    """
    if depth in STREAMED_DEPTHS:
        return None
    return ask_for_best_levels(f"{manifest.rest_url}/depth", symbol, depth, _WEIGHTS)


def fetch_instruments(manifest: Manifest) -> Request | None:
    """Return what to ask for the symbols that are traded."""
    query = "symbolStatus=TRADING&showPermissionSets=false"
    return LISTED.ask(f"{manifest.rest_url}/exchangeInfo?{query}", 20)


def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
    """Return what to ask for the last 1,000 trades, which have the numbers of the stream's."""
    url = f"{manifest.rest_url}/trades?symbol={quote(symbol)}&limit=1000"
    return _PAST_TRADES.ask(url, symbol, 25)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    """Return the pair that a name such as BTCUSDT seems to be of."""
    pair = split_symbol(symbol)
    return pair and Instrument(symbol, *pair)
