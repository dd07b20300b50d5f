"""OKX spot, API v5.

The rule of this file: pure; everything here is of one venue, and from its documents alone.

Since 2026 the venue wants the book to be asked for by HTTP and joined by its number; where a
subscription still begins with one, it is taken, since it has a number too. Since then as well the
checksum is 0 in every message, which is none. Before 2023 there was a checksum and no number.
"""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from aggregator.protocol.checksums import Checksum, TextsChecksum
from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import Envelope, InstrumentList
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Ping, Rest, Socket, Topic
from aggregator.protocol.notices import Accepted, FrameError, Goodbye, Instrument, Pulse, Refused
from aggregator.protocol.reading import UNREADABLE, decoded, digits_to_ns
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import in_batches, json_text
from aggregator.protocol.symbols import USUAL_IN_USDT, parted_symbol
from aggregator.protocol.updates import NONE, BookUpdate, TradeUpdate, Update
from shared.messages import Side

MANIFESTS = (
    Manifest(
        venue="okx",
        market_type="spot",
        documents=(
            "https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel",
            "https://www.okx.com/docs-v5/log_en/",
        ),
        checked_on="2026-11-21",
        from_documents_alone=True,
        sockets=(
            Socket(
                name="public",
                url="wss://ws.okx.com:8443/ws/v5/public",
                kinds=(Kind.BOOK, Kind.TRADES),
                topics_max=200,
                topics_per_message_max=100,
                # 480 requests an hour for each connection, of which most are made at its start.
                messages_per_s_max=3,
            ),
        ),
        hosts_before=("ws.okex.com", "wsaws.okx.com", "wsaws.okex.com"),
        # 40 requests in 2 s are allowed; a quarter of that is ample.
        rest=Rest(weight_per_minute_max=300),
        chain=Chain.LINKED,
        snapshot_from=SnapshotFrom.REST,
        evidence=Evidence.CHAIN,
        depths=(400,),
        depth_default=400,
        intervals_ms=(100,),
        interval_ms_default=100,
        ping=Ping(text="ping", interval_s=20, answer_timeout_s=10),
        silence_s=30,
        # A message without a change comes after 60 s without any, and one may be late.
        stale_s=90,
        stale_reason="Where nothing changes a message says so after 60 s.",
        mute_s=5,  # Each of its books is told of ten times a second while anything changes.
        connects_per_5_minutes_max=300,
        symbols_default=USUAL_IN_USDT,
        taker_fee_ppm=1_000,  # A regular user's: https://www.okx.com/fees
    ),
)
REST_URL = "https://www.okx.com/api/v5"
CHANNELS = {Kind.BOOK: "books", Kind.TRADES: "trades"}
CHECKSUM_LEVELS = 25
LISTED = InstrumentList(
    envelope=Envelope(rows="data", code="code", good_code="0", reason="msg"),
    symbol="instId",
    base="baseCcy",
    quote="quoteCcy",
    price_tick="tickSz",
    quantity_steps=("lotSz",),
    listed_if={"state": ("live",)},
)
SOON_CLOSED = "64008"  # The code of the notice before a service upgrade.
# A refusal names its instrument only in its sentence.
_NAMED = re.compile(r"instId:([A-Za-z0-9-]+)")


class _Level(msgspec.Struct, array_like=True, gc=False):
    price: str
    quantity: str  # After it come a field out of use and the count of orders.


class _BookData(msgspec.Struct, gc=False):
    asks: list[_Level]
    bids: list[_Level]
    ts: str
    seqId: int = NONE
    prevSeqId: int = NONE
    checksum: int = 0


class _TradeData(msgspec.Struct, gc=False):
    instId: str
    tradeId: str
    px: str
    sz: str
    side: Side
    ts: str


class _Arg(msgspec.Struct, gc=False):
    channel: str = ""
    instId: str = ""


class _Frame(msgspec.Struct, gc=False):
    arg: _Arg = msgspec.field(default_factory=_Arg)
    event: str = ""
    action: Literal["", "snapshot", "update"] = ""
    code: str = ""
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


_FRAMES = msgspec.json.Decoder(_Frame)
_BOOKS = msgspec.json.Decoder(list[_BookData])
_TRADES = msgspec.json.Decoder(list[_TradeData])

build_subscription_url = one_address
# HTTP gives single trades, the stream those of an order at a price as one: they do not join.
fetch_trades = nothing_to_ask


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return requests for topics of all kinds."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    operation = "subscribe" if wanted else "unsubscribe"
    arguments = [{"channel": CHANNELS[topic.kind], "instId": topic.symbol} for topic in topics]
    return [json_text({"op": operation, "args": batch}) for batch in in_batches(arguments, size)]


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    if frame == b"pong":
        return (Pulse(),)
    if frame == b"ping":
        return (Pulse(answer="pong"),)
    try:
        said = _FRAMES.decode(frame)
        if said.event:
            return _parse_event(said)
        if said.arg.channel == "books":
            is_snapshot = said.action == "snapshot"
            books = _BOOKS.decode(said.data)
            return [_book_update(said.arg.instId, data, is_snapshot) for data in books]
        if said.arg.channel == "trades":
            return [_trade_update(data) for data in _TRADES.decode(said.data)]
    except UNREADABLE as error:
        raise FrameError(str(error)) from error
    if not said.arg.channel:
        raise FrameError("A frame is neither of a channel nor an event.")
    return ()


def _book_update(symbol: str, data: _BookData, is_snapshot: bool) -> BookUpdate:
    # Two equal numbers and no level say that nothing has changed and nothing is missing. A number
    # below the one before it is how the venue begins to count anew: it is linked all the same.
    has_link = is_snapshot or data.prevSeqId != NONE
    if not symbol or not (has_link if data.seqId != NONE else data.checksum):
        raise FrameError("An update of a book is of no instrument, or linked to nothing.")
    return BookUpdate(
        symbol,
        [(level.price, level.quantity) for level in data.bids],
        [(level.price, level.quantity) for level in data.asks],
        is_snapshot,
        last_id=data.seqId,
        previous_id=data.prevSeqId,
        checksum=data.checksum or NONE,
        depth=MANIFESTS[0].depth_default,
        venue_at_ns=digits_to_ns(data.ts),
    )


def _trade_update(data: _TradeData) -> TradeUpdate:
    # One message is all that one order took at one price, under the number of its last trade; so
    # the numbers are not counted up one by one. The side is the taker's.
    at_ns = digits_to_ns(data.ts)
    return TradeUpdate(data.instId, data.tradeId, data.px, data.sz, data.side, at_ns)


def _parse_event(said: _Frame) -> Sequence[Update]:
    if said.event == "subscribe":
        return (Accepted(said.arg.instId, said.arg.channel),)
    if said.event == "error":
        named = _NAMED.search(said.msg)
        symbol = said.arg.instId or (named.group(1) if named else "")
        return (Refused(f"{said.code}: {said.msg}", symbol, said.arg.channel),)
    if said.event == "notice" and said.code == SOON_CLOSED:
        return (Goodbye(said.msg),)
    return ()


def fetch_snapshot(manifest: Manifest, symbol: str, depth: int) -> Request | None:
    levels = depth or manifest.depth_default
    url = f"{REST_URL}/market/books?instId={symbol}&sz={levels}&source=0"
    return Request(url, 1, _read_snapshot)


def _read_snapshot(body: bytes, url: str) -> Sequence[Update]:
    # The symbol is in the address alone.
    symbol = url.partition("instId=")[2].partition("&")[0]
    answer = decoded(_FRAMES, body)
    books = decoded(_BOOKS, bytes(answer.data))
    if answer.code != "0" or not books or not symbol:
        raise FrameError(f"The book of {symbol!r} was not given: {answer.code} {answer.msg}")
    return (_book_update(symbol, books[0], True),)


def fetch_instruments(manifest: Manifest) -> Request | None:
    return LISTED.ask(f"{REST_URL}/public/instruments?instType=SPOT", 2)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    return parted_symbol(symbol, "-")


def make_checksum(instrument: Instrument | None) -> Checksum:
    """Return CRC-32 over the texts of the 25 best bids and asks; not every message has one."""
    return TextsChecksum(CHECKSUM_LEVELS)
