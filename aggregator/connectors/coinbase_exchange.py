"""Coinbase Exchange, the public feed.

The rule of this file: pure; everything here is of one venue, and from its documents alone. The
changes of a book have no number and no checksum, so its books are marked as unproven.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import InstrumentList, TradeList
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Rest, Socket, Topic
from aggregator.protocol.notices import Accepted, FrameError, Instrument, Pulse, Refused
from aggregator.protocol.reading import UNREADABLE, decoded, rfc3339_to_ns
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import by_kind, json_text
from aggregator.protocol.symbols import USUAL_IN_USD, parted_symbol
from aggregator.protocol.updates import BookUpdate, Change, TradeUpdate, Update
from shared.messages import Side

MANIFESTS = (
    Manifest(
        venue="coinbase-exchange",
        market_type="spot",
        documents=(
            "https://docs.cdp.coinbase.com/exchange/websocket-feed/channels",
            "https://docs.cdp.coinbase.com/exchange/websocket-feed/overview",
            "https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits",
        ),
        checked_on="2026-11-21",
        from_documents_alone=True,
        sockets=(
            Socket(
                name="feed",
                url="wss://ws-feed.exchange.coinbase.com",
                kinds=(Kind.BOOK, Kind.TRADES, Kind.PULSE),
                topics_max=100,
            ),
        ),
        rest=Rest(weight_per_minute_max=600),
        chain=Chain.NONE,
        snapshot_from=SnapshotFrom.STREAM,
        evidence=Evidence.NONE,
        silence_s=10,
        stale_s=30,
        stale_reason="Whole books change many times a second, and are sent every 50 ms.",
        mute_s=5,
        heartbeat_s=1,  # There is a heartbeat a second.
        connects_per_5_minutes_max=100,
        symbols_default=USUAL_IN_USD,
        taker_fee_ppm=6_000,  # The lowest tier's: https://exchange.coinbase.com/fees
    ),
)
REST_URL = "https://api.exchange.coinbase.com/products"
TRADES_MAX = 1000  # The most that one answer holds.
# The book that needs no login: changes of 50 ms together.
CHANNELS = {Kind.BOOK: "level2_batch", Kind.TRADES: "matches", Kind.PULSE: "heartbeat"}
# The side told is that of the order that was resting.
TAKER_SIDES: dict[str | bool, Side] = {"buy": Side.SELL, "sell": Side.BUY}
_PRODUCTS = InstrumentList(
    symbol="id",
    base="base_currency",
    quote="quote_currency",
    price_tick="quote_increment",
    quantity_steps=("base_increment",),
    listed_if={"status": ("online",)},
)
_PAST_TRADES = TradeList(
    trade_id="trade_id",
    price="price",
    quantity="size",
    side="side",
    taker_sides=TAKER_SIDES,
    time="time",
    counts_one_by_one=True,
    is_newest_first=True,
)


class _Snapshot(msgspec.Struct, tag_field="type", tag="snapshot"):
    product_id: str
    bids: list[Change]
    asks: list[Change]
    time: str = ""


class _L2Update(msgspec.Struct, tag_field="type", tag="l2update", gc=False):
    product_id: str
    changes: list[tuple[Literal["buy", "sell"], str, str]]
    time: str = ""


class _Match(msgspec.Struct, tag_field="type", tag="match", gc=False):
    product_id: Annotated[str, msgspec.Meta(min_length=1)]
    trade_id: int
    side: Literal["buy", "sell"]
    size: str
    price: str
    time: str = ""


class _LastMatch(_Match, tag_field="type", tag="last_match", gc=False):
    """The one before we asked."""


class _Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat"):
    """One a second for each product."""


class _Channel(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class _Other(msgspec.Struct):
    type: str
    message: str = ""
    reason: str = ""
    channels: list[_Channel] = []


_FRAMES = msgspec.json.Decoder(_Snapshot | _L2Update | _Match | _LastMatch | _Heartbeat)
_KNOWN = frozenset({"snapshot", "l2update", "match", "last_match", "heartbeat"})
_OTHERS = msgspec.json.Decoder(_Other)

build_subscription_url = one_address
fetch_snapshot = nothing_to_ask  # A subscription begins with the book.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return a request for each channel."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    # A heartbeat is of a product here: it is asked for with each product that there is.
    products = dict.fromkeys(topic.symbol for topic in topics if topic.symbol)
    asked = [topic for topic in topics if topic.kind is not Kind.PULSE]
    if len(asked) < len(topics):
        asked += [Topic(Kind.PULSE, symbol) for symbol in products]
    request = {"type": "subscribe" if wanted else "unsubscribe"}
    return [
        json_text({**request, "product_ids": symbols, "channels": [CHANNELS[kind]]})
        for kind, _, symbols in by_kind(asked, size)
    ]


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    try:
        said = _FRAMES.decode(frame)
    except msgspec.ValidationError:
        return _parse_other(frame)
    except UNREADABLE as error:
        raise FrameError(str(error)) from error
    if type(said) is _L2Update:
        return (_book_update(said),)
    if type(said) is _Snapshot:
        bids, asks = _with_quantity(said.bids), _with_quantity(said.asks)
        at = rfc3339_to_ns(said.time)
        return (BookUpdate(said.product_id, bids, asks, True, is_whole=True, venue_at_ns=at),)
    if type(said) is _Heartbeat:
        return (Pulse(),)
    return _trade_update(said)


def _book_update(said: _L2Update) -> BookUpdate:
    changes = [change for change in said.changes if change[2][:1].isdigit()]
    bids = [(price, quantity) for side, price, quantity in changes if side == "buy"]
    asks = [(price, quantity) for side, price, quantity in changes if side == "sell"]
    return BookUpdate(said.product_id, bids, asks, venue_at_ns=rfc3339_to_ns(said.time))


def _with_quantity(levels: list[Change]) -> list[Change]:
    # Sizes below zero and NaN have been seen; they mean nothing.
    return [level for level in levels if level[1][:1].isdigit()]


def _trade_update(trade: _Match | _LastMatch) -> Sequence[Update]:
    if not trade.size[:1].isdigit():
        return ()
    side, at_ns, number = TAKER_SIDES[trade.side], rfc3339_to_ns(trade.time), trade.trade_id
    what = trade.product_id, str(number), trade.price, trade.size
    return (TradeUpdate(*what, side, at_ns, number, is_history=type(trade) is _LastMatch),)


def _parse_other(frame: bytes) -> Sequence[Update]:
    said = decoded(_OTHERS, frame)
    if said.type in _KNOWN:
        raise FrameError(f"A frame of type {said.type!r} has another shape.")
    if said.type == "error":
        return (Refused(": ".join(text for text in (said.message, said.reason) if text)),)
    if said.type == "subscriptions":
        return [
            Accepted(symbol, channel.name)
            for channel in said.channels
            for symbol in channel.product_ids
        ]
    return ()


def fetch_instruments(manifest: Manifest) -> Request | None:
    return _PRODUCTS.ask(REST_URL)


def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
    return _PAST_TRADES.ask(f"{REST_URL}/{symbol}/trades?limit={TRADES_MAX}", symbol)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    return parted_symbol(symbol, "-")
