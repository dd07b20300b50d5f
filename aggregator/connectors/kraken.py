"""Kraken spot, WebSocket API v2.

The rule of this file: pure; everything here is of one venue. A price and a quantity are bare
numbers in its JSON, of which every digit counts: the checksum is over them, zeros at the end too.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from aggregator.protocol.checksums import Checksum, DigitsChecksum, decimals_of
from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import Envelope, InstrumentList, read_instruments
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Ping, Rest, Socket, Topic
from aggregator.protocol.notices import Accepted, FrameError, Instrument, Pulse, Refused
from aggregator.protocol.reading import UNREADABLE, decoded, number_text, rfc3339_to_ns
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import by_kind, json_text
from aggregator.protocol.symbols import USUAL_IN_USD, parted_symbol
from aggregator.protocol.updates import BookUpdate, Change, TradeUpdate, Update
from shared.messages import Side

MANIFESTS = (
    Manifest(
        venue="kraken",
        market_type="spot",
        documents=(
            "https://docs.kraken.com/api/docs/websocket-v2/book",
            "https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs",
        ),
        checked_on="2026-11-21",
        sockets=(
            Socket(
                name="v2",
                url="wss://ws.kraken.com/v2",
                kinds=(Kind.BOOK, Kind.TRADES, Kind.INSTRUMENTS),
                topics_max=200,
                topics_per_message_max=50,
            ),
        ),
        rest=Rest(weight_per_minute_max=60),
        chain=Chain.NONE,
        snapshot_from=SnapshotFrom.STREAM,
        evidence=Evidence.CHECKSUM,
        depths=(10, 25, 100, 500, 1000),
        # The checksum is over ten levels, so at this depth every loss shows at the next message.
        depth_default=10,
        truncates=True,
        ping=Ping(text='{"method":"ping"}', interval_s=30, answer_timeout_s=10),
        silence_s=30,
        stale_s=30,
        stale_reason="Even a thin book changes within seconds; heartbeats come only between.",
        mute_s=5,
        heartbeat_s=1,  # Where there is nothing else, there is a heartbeat a second.
        connects_per_5_minutes_max=75,
        symbols_default=USUAL_IN_USD,
        taker_fee_ppm=4_000,  # The lowest tier's: https://www.kraken.com/features/fee-schedule
    ),
)
PAIRS_URL = "https://api.kraken.com/0/public/AssetPairs"
CHECKSUM_LEVELS = 10
# What the first API and HTTP call otherwise.
ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
# A tick may be coarser than the precision, which the checksum needs: 0.5 as 0.50.
_LISTED = InstrumentList(
    envelope=Envelope(rows="result", is_by_name=True),
    symbol="wsname",
    separator="/",
    aliases=ALIASES,
    price_tick="tick_size",
    price_decimals="pair_decimals",
    quantity_decimals="lot_decimals",
)
_STREAMED = msgspec.structs.replace(
    _LISTED,
    envelope=Envelope(rows="data.pairs", has_bare_numbers=True),
    symbol="symbol",
    price_tick="price_increment",
    price_decimals="price_precision",
    quantity_decimals="qty_precision",
)
CHANNELS = {Kind.BOOK: "book", Kind.TRADES: "trade", Kind.INSTRUMENTS: "instrument"}


class _Level(msgspec.Struct, gc=False):
    price: Any
    qty: Any


class _BookData(msgspec.Struct, gc=False):
    symbol: str
    checksum: int
    bids: list[_Level] = []
    asks: list[_Level] = []
    timestamp: str = ""


class _Book(msgspec.Struct, tag_field="channel", tag="book", gc=False):
    type: Literal["snapshot", "update"]
    data: list[_BookData]


class _TradeData(msgspec.Struct, gc=False):
    symbol: str
    side: Side
    price: Any
    qty: Any
    trade_id: int
    timestamp: str = ""


class _Trades(msgspec.Struct, tag_field="channel", tag="trade", gc=False):
    type: Literal["snapshot", "update"]
    data: list[_TradeData]


class _Result(msgspec.Struct):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


class _Other(msgspec.Struct):
    channel: str = ""
    method: str = ""
    success: bool = True
    symbol: str = ""
    error: str = ""
    result: _Result = msgspec.field(default_factory=_Result)


# Exponents are seen to where a number is read: a hook of ours would take longer than the rest.
_FRAMES = msgspec.json.Decoder(_Book | _Trades, float_hook=str)
_OTHERS = msgspec.json.Decoder(_Other)

build_subscription_url = one_address
fetch_snapshot = nothing_to_ask  # A subscription begins with the book,
fetch_trades = nothing_to_ask  # and one to trades with the last fifty.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return a request for each kind and depth, of at most fifty symbols."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    method = "subscribe" if wanted else "unsubscribe"
    return [
        json_text({"method": method, "params": _params(kind, depth, symbols, wanted)})
        for kind, depth, symbols in by_kind(topics, size)
    ]


def _params(kind: Kind, depth: int, symbols: Sequence[str], wanted: bool) -> dict[str, object]:
    params: dict[str, object] = {"channel": CHANNELS[kind]}
    if kind is not Kind.INSTRUMENTS:
        params["symbol"] = symbols
    if kind is Kind.BOOK:
        params["depth"] = depth or MANIFESTS[0].depth_default
    return {**params, "snapshot": True} if wanted else params


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    try:
        said = _FRAMES.decode(frame)
        if type(said) is _Book:
            is_snapshot = said.type == "snapshot"
            return [_book_update(data, is_snapshot) for data in said.data]
        is_history = said.type == "snapshot"
        return [_trade_update(data, is_history) for data in said.data]
    except msgspec.ValidationError:
        return _parse_other(frame)
    except UNREADABLE as error:
        raise FrameError(str(error)) from error


def _book_update(data: _BookData, is_snapshot: bool) -> BookUpdate:
    bids, asks, at_ns = _changes(data.bids), _changes(data.asks), rfc3339_to_ns(data.timestamp)
    update = BookUpdate(data.symbol, bids, asks, is_snapshot, checksum=data.checksum)
    update.venue_at_ns = at_ns
    return update


def _changes(levels: list[_Level]) -> list[Change]:
    return [(number_text(level.price), number_text(level.qty)) for level in levels]


def _trade_update(data: _TradeData, is_history: bool) -> TradeUpdate:
    # The side is the taker's, and a symbol's trades are numbered one by one.
    number, at_ns = data.trade_id, rfc3339_to_ns(data.timestamp)
    what = data.symbol, str(number), number_text(data.price), number_text(data.qty)
    return TradeUpdate(*what, data.side, at_ns, number, is_history)


def _parse_other(frame: bytes) -> Sequence[Update]:
    said = decoded(_OTHERS, frame)
    if said.channel == "instrument":
        return read_instruments(_STREAMED, "", frame, "")
    if said.channel in ("heartbeat", "status"):
        return (Pulse(),)
    if said.channel in CHANNELS.values() or not (said.channel or said.method or said.error):
        raise FrameError(f"A frame of channel {said.channel!r} has another shape.")
    return () if said.channel else _parse_answer(said)


def _parse_answer(said: _Other) -> Sequence[Update]:
    if said.method == "unsubscribe":
        return ()
    # Neither of the two is a word on the symbol: what then does not come is asked for again.
    is_passing = said.error in ("Already subscribed", "Exceeded msg rate")
    if said.method == "pong" or is_passing:
        return (Pulse(),)
    if not said.success or said.error:
        return (Refused(said.error, said.symbol, said.result.channel),)
    if said.method != "subscribe":
        return ()
    return (Accepted(said.result.symbol, said.result.channel, said.result.depth),)


def fetch_instruments(manifest: Manifest) -> Request | None:
    return _LISTED.ask(PAIRS_URL)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    return parted_symbol(symbol, "/", ALIASES)


def make_checksum(instrument: Instrument | None) -> Checksum:
    """Return CRC-32 over the digits of the ten best asks and bids."""
    return DigitsChecksum(CHECKSUM_LEVELS, *decimals_of(instrument))
