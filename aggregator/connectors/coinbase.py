"""Coinbase Advanced Trade, public market data.

The rule of this file: pure; everything here is of one venue. Every frame has its number on the
connection, whatever its channel, so every frame gives that number first, and some nothing else.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import Envelope, InstrumentList
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Rest, Socket, Topic
from aggregator.protocol.notices import FrameError, Instrument, Pulse, Refused
from aggregator.protocol.reading import UNREADABLE, decoded, rfc3339_to_ns
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import by_kind, json_text
from aggregator.protocol.symbols import USUAL_IN_USD, parted_symbol
from aggregator.protocol.updates import (
    NONE,
    BookUpdate,
    Change,
    ConnectionSequence,
    TradeUpdate,
    Update,
)
from shared.messages import Side

MANIFESTS = (
    Manifest(
        venue="coinbase",
        market_type="spot",
        documents=(
            "https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket",
            "https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public",
        ),
        checked_on="2026-11-21",
        sockets=(
            Socket(
                name="market",
                url="wss://advanced-trade-ws.coinbase.com",
                kinds=(Kind.BOOK, Kind.TRADES, Kind.PULSE),
                # A gap costs every book of its connection, so there are not many on one.
                topics_max=40,
                messages_per_s_max=8,
            ),
        ),
        rest=Rest(weight_per_minute_max=600),
        chain=Chain.NONE,
        snapshot_from=SnapshotFrom.STREAM,
        evidence=Evidence.CONNECTION_SEQUENCE,
        silence_s=10,
        stale_s=30,
        stale_reason="Whole books change many times a second; a heartbeat a second is no change.",
        mute_s=5,
        heartbeat_s=1,  # There is a heartbeat a second.
        connects_per_5_minutes_max=100,
        symbols_default=USUAL_IN_USD,
        # The taker's of the lowest tier (the maker's is half of it):
        # https://www.coinbase.com/advanced-fees
        taker_fee_ppm=12_000,
    ),
)
PRODUCTS_URL = "https://api.coinbase.com/api/v3/brokerage/market/products"
_PRODUCTS = InstrumentList(
    envelope=Envelope(rows="products"),
    symbol="product_id",
    base="base_currency_id",
    quote="quote_currency_id",
    price_tick="price_increment",
    quantity_steps=("base_increment",),
    # BTC-USDC is another name for BTC-USD, and its messages come under that one.
    delivered_as="alias",
    listed_if={"product_type": ("SPOT",), "status": ("online",)},
)
# The book is asked for by one name and delivered by another.
CHANNELS = {Kind.BOOK: "level2", Kind.TRADES: "market_trades", Kind.PULSE: "heartbeats"}
# The side told is that of the order that was resting.
TAKER_SIDES = {"BUY": Side.SELL, "SELL": Side.BUY}
TRADE_ID_DIGITS_MAX = 18  # Those of today have ten.


class _Level(msgspec.Struct, gc=False):
    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str
    event_time: str = ""


class _BookEvent(msgspec.Struct, gc=False):
    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[_Level]


class _Book(msgspec.Struct, tag_field="channel", tag="l2_data", gc=False):
    sequence_num: int
    events: list[_BookEvent]


class _Trade(msgspec.Struct, gc=False):
    product_id: str
    trade_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    time: str = ""


class _TradeEvent(msgspec.Struct, gc=False):
    type: Literal["snapshot", "update"]
    trades: list[_Trade]


class _Trades(msgspec.Struct, tag_field="channel", tag="market_trades", gc=False):
    sequence_num: int
    events: list[_TradeEvent]


class _Other(msgspec.Struct):
    channel: str = ""
    sequence_num: int = NONE
    type: str = ""
    message: str = ""


_FRAMES = msgspec.json.Decoder(_Book | _Trades)
_OTHERS = msgspec.json.Decoder(_Other)

build_subscription_url = one_address
fetch_snapshot = nothing_to_ask  # A subscription begins with the book,
fetch_trades = nothing_to_ask  # and one to trades with the last hundred.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return a request for each channel."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    request = {"type": "subscribe" if wanted else "unsubscribe"}
    return [
        # Heartbeats are the connection's, of no product.
        json_text(
            {**request, "channel": CHANNELS[kind]}
            if kind is Kind.PULSE
            else {**request, "product_ids": symbols, "channel": CHANNELS[kind]}
        )
        for kind, _, symbols in by_kind(topics, size)
    ]


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    try:
        said = _FRAMES.decode(frame)
    except msgspec.ValidationError:
        return _parse_other(frame)
    except UNREADABLE as error:
        raise FrameError(str(error)) from error
    updates: list[Update] = [ConnectionSequence(said.sequence_num)]
    if type(said) is _Book:
        updates += [_book_update(event) for event in said.events]
    else:
        for trades in said.events:
            updates += _trade_updates(trades)
    return updates


def _book_update(event: _BookEvent) -> BookUpdate:
    bids: list[Change] = []
    asks: list[Change] = []
    for level in event.updates:
        # Sizes below zero and NaN have been seen; they mean nothing.
        if level.new_quantity[:1].isdigit():
            side = bids if level.side == "bid" else asks
            side.append((level.price_level, level.new_quantity))
    is_snapshot = event.type == "snapshot"
    # All levels of an event changed at one time.
    at_ns = rfc3339_to_ns(event.updates[0].event_time) if event.updates else 0
    symbol = event.product_id
    return BookUpdate(symbol, bids, asks, is_snapshot, is_whole=is_snapshot, venue_at_ns=at_ns)


def _trade_updates(event: _TradeEvent) -> list[TradeUpdate]:
    is_history = event.type == "snapshot"
    # The newest comes first.
    trades = [trade for trade in reversed(event.trades) if trade.size[:1].isdigit()]
    return [_trade_update(trade, is_history) for trade in trades]


def _trade_update(trade: _Trade, is_history: bool) -> TradeUpdate:
    side, at_ns = TAKER_SIDES[trade.side], rfc3339_to_ns(trade.time)
    what = trade.product_id, trade.trade_id, trade.price, trade.size
    return TradeUpdate(*what, side, at_ns, _number(trade.trade_id), is_history)


def _number(trade_id: str) -> int:
    # A product's trades are numbered one by one.
    if not (trade_id.isascii() and trade_id.isdigit()) or len(trade_id) > TRADE_ID_DIGITS_MAX:
        raise FrameError(f"{trade_id[:TRADE_ID_DIGITS_MAX]!r} is no number of a trade.")
    return int(trade_id)


def _parse_other(frame: bytes) -> Sequence[Update]:
    said = decoded(_OTHERS, frame)
    if said.type == "error":
        return (Refused(said.message),)
    # Tickers, candles and what else there may be say nothing here, but they count.
    if said.sequence_num == NONE or said.channel in ("l2_data", "market_trades"):
        raise FrameError(f"A frame of channel {said.channel!r} has another shape.")
    sequence = ConnectionSequence(said.sequence_num)
    return (sequence, Pulse()) if said.channel == "heartbeats" else (sequence,)


def fetch_instruments(manifest: Manifest) -> Request | None:
    return _PRODUCTS.ask(PRODUCTS_URL)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    return parted_symbol(symbol, "-")
