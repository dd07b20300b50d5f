"""Binance futures, USD-M and COIN-M: as the spot market, but for another chain of changes.

The rule of this file: what the venue's documents say, and nothing that lasts longer than a call.

Of USD-M, books and best bids and asks come on connections of the class `public`, aggregated trades
on those of the class `market`; what is asked for on the wrong one never comes, so it is refused
here. COIN-M has one class for all, and counts in contracts. Each change names the one before it
(`pu`), because the numbers between belong to other books. An interval of 0 ms sends changes as they
happen; it works, and no document tells of it. Depths 5, 10 and 20 are snapshots of the best levels
in the stream, for which there is nothing to fetch.
"""

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import to_ns
from aggregator.protocol.defaults import one_address
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
    ask_for_best_levels,
    read_aggregates,
    streamed_depth,
)
from aggregator.protocol.symbols import USUAL_IN_USDT, split_symbol
from aggregator.protocol.updates import BookUpdate, Change, Update

_DOCUMENTS = "https://developers.binance.com/docs/derivatives"
# How many levels can be asked for, and what of the 2,400 a minute that takes.
_WEIGHTS = {50: 2, 100: 5, 500: 10, 1000: 20}
_SNAPSHOT_INTERVAL_MS_MIN = 100

_PUBLIC = Socket(
    name="public",
    url="wss://fstream.binance.com/public/stream",
    kinds=(Kind.BOOK, Kind.TOUCH),
    topics_max=1_024,
    messages_per_s_max=8,  # It allows 10, and counts our answers to its pings too.
)
_MARKET = msgspec.structs.replace(
    _PUBLIC, name="market", url="wss://fstream.binance.com/market/stream", kinds=(Kind.TRADES,)
)
_REST = Rest(
    url="https://fapi.binance.com/fapi/v1",
    weight_per_minute_max=2_400,
    used_weight_header="x-mbx-used-weight-1m",
    forbidden_s=60,  # Its firewall says so, and not for how long.
)
_USD = Manifest(
    venue="binance",
    market_type="linear",
    documents=(
        f"{_DOCUMENTS}/usds-margined-futures/websocket-market-streams/"
        "Important-WebSocket-Change-Notice",
        f"{_DOCUMENTS}/usds-margined-futures/websocket-market-streams/"
        "How-to-manage-a-local-order-book-correctly",
    ),
    checked_on="2026-11-21",
    sockets=(_PUBLIC, _MARKET),
    rest=_REST,
    chain=Chain.LINKED,
    snapshot_from=SnapshotFrom.REST,
    evidence=Evidence.TOUCH,
    depths=(0, *STREAMED_DEPTHS),
    intervals_ms=(0, 100, 250, 500),
    interval_ms_default=100,
    silence_s=180,  # One class carries trades alone, of which a quiet pair has none for a while.
    stale_s=30,
    stale_reason="The pairs that most follow change many times a second, day and night.",
    mute_s=5,  # A recorded connection was never silent for two seconds, whatever its pairs were.
    lifetime_s=24 * 3_600,
    connects_per_5_minutes_max=300,
    symbols_default=USUAL_IN_USDT,
    taker_fee_ppm=500,  # A regular user's: https://www.binance.com/en/fee/futureFee
)
_COIN = msgspec.structs.replace(
    _USD,
    market_type="inverse",
    documents=(f"{_DOCUMENTS}/coin-margined-futures/websocket-market-streams",),
    from_documents_alone=True,
    sockets=(
        msgspec.structs.replace(
            _PUBLIC,
            name="market",
            url="wss://dstream.binance.com/stream",
            kinds=(Kind.BOOK, Kind.TOUCH, Kind.TRADES),
        ),
    ),
    rest=msgspec.structs.replace(_REST, url="https://dapi.binance.com/dapi/v1"),
    symbols_default=("BTC/USD", "ETH/USD"),
)
MANIFESTS = (_USD, _COIN)

build_subscription_url = one_address  # Of combined streams.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return the SUBSCRIBE or UNSUBSCRIBE messages."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    return stream_requests([_stream(topic) for topic in topics], size, wanted=wanted)


def _stream(topic: Topic) -> str:
    symbol = topic.symbol.lower()
    if topic.kind is not Kind.BOOK:
        return f"{symbol}@{'aggTrade' if topic.kind is Kind.TRADES else 'bookTicker'}"
    interval_ms = topic.interval_ms
    if topic.depth:
        interval_ms = max(interval_ms, _SNAPSHOT_INTERVAL_MS_MIN)
    speed = "" if interval_ms == 250 else f"@{interval_ms}ms"
    return f"{symbol}@depth{topic.depth or ''}{speed}"


# The fields of what comes have the venue's own names.
class _Depth(msgspec.Struct, gc=False):
    s: str
    U: Number
    u: Number
    pu: int  # Below zero where there was none before.
    b: list[Change]
    a: list[Change]
    T: Number


def _read_depth(stream: str, data: _Depth) -> Sequence[Update]:
    at_ns = to_ns(data.T)
    return (BookUpdate(data.s, data.b, data.a, False, data.U, data.u, data.pu, venue_at_ns=at_ns),)


def _read_levels(stream: str, data: _Depth) -> Sequence[Update]:
    depth, at_ns, number = streamed_depth(stream), to_ns(data.T), data.u
    return (
        BookUpdate(data.s, data.b, data.a, True, number, number, depth=depth, venue_at_ns=at_ns),
    )


_DEPTH: Reader = Decoder(Named[_Depth]), _read_depth
_LEVELS: Reader = Decoder(Named[_Depth]), _read_levels
_READERS = {
    **READERS,
    **dict.fromkeys(CHANGES_KEYS, _DEPTH),
    **dict.fromkeys(SNAPSHOTS_KEYS, _LEVELS),
}


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    """Return what a frame says; it is wrapped as in the spot market."""
    return read_named(frame, _READERS)


def fetch_snapshot(manifest: Manifest, symbol: str, depth: int) -> Request | None:
    """Return what to ask for the best levels, 1,000 a side for depth 0; None for the depths that
    come as snapshots in the stream.
    """
    if depth in STREAMED_DEPTHS:
        return None
    return ask_for_best_levels(f"{manifest.rest_url}/depth", symbol, depth, _WEIGHTS)


def fetch_instruments(manifest: Manifest) -> Request | None:
    """Return what to ask for the symbols that are traded."""
    return LISTED.ask(f"{manifest.rest_url}/exchangeInfo")


def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
    """Return what to ask for the last 1,000 aggregated trades, numbered as the stream's."""
    url = f"{manifest.rest_url}/aggTrades?symbol={quote(symbol)}&limit=1000"
    return Request(url, 20, partial(read_aggregates, symbol))


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    """Return the pair that a name such as BTCUSDT or BTCUSD_PERP seems to be of; one with a date
    has none.
    """
    pair = split_symbol(symbol.removesuffix("_PERP"))
    return pair and Instrument(symbol, *pair)
