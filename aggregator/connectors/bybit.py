"""Bybit v5, spot and linear: a stream of snapshots and changes that are numbered one by one.

The rule of this file: what the venue's documents say, and nothing that lasts longer than a call.

A snapshot may come at any time and replaces the book; number 1 is always one, of a server that has
begun anew. The venue itself removes the levels that fall out of the window, so a book has exactly
as many levels a side as its subscription, or all there are. Depth 1 is snapshots alone, and a
quiet one comes again every 3 seconds under its old number. An answer to a request names no topic,
so each request has a name (`req_id`) that lists its topics: it comes back with the answer.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import shaped, to_ns
from aggregator.protocol.defaults import nothing_to_ask, one_address
from aggregator.protocol.lists import Envelope, InstrumentList, TradeList
from aggregator.protocol.manifest import Chain, Evidence, Kind, Manifest, Ping, Rest, Socket, Topic
from aggregator.protocol.notices import Accepted, FrameError, Instrument, Pulse, Refused
from aggregator.protocol.reading import UNREADABLE, decoded
from aggregator.protocol.requests import Request, SnapshotFrom
from aggregator.protocol.subscribing import in_batches, json_text
from aggregator.protocol.symbols import USUAL_IN_USDT, split_symbol
from aggregator.protocol.updates import BookUpdate, Change, TradeUpdate, Update
from shared.messages import Side

_URL = "https://api.bybit.com/v5/market"
_SIDES: dict[str | bool, Side] = {"Buy": Side.BUY, "Sell": Side.SELL}  # Of who took.
# As topics name them; other words there, as in `orderbook.full`, are other kinds of books.
_DEPTHS = {str(depth): depth for depth in (1, 25, 50, 100, 200, 500, 1_000)}
_PAIRS = {"spot": USUAL_IN_USDT, "linear": USUAL_IN_USDT, "inverse": ("BTC/USD", "ETH/USD")}
_TOPIC = re.compile(r"(?:orderbook\.\d+|publicTrade)\.[\w-]+")  # Also as refusals quote it.

_ANSWER = Envelope(
    rows="result.list",
    code="retCode",
    reason="retMsg",
    echoes={"result.category": "category"},
    cursor="cursor",
    cursor_at="result.nextPageCursor",
)
_LISTED = InstrumentList(
    envelope=_ANSWER,
    symbol="symbol",
    base="baseCoin",
    quote="quoteCoin",
    price_tick="priceFilter.tickSize",
    quantity_steps=("lotSizeFilter.qtyStep", "lotSizeFilter.basePrecision"),
    listed_if={
        "status": ("Trading",),
        # Contracts with a date have the same base and quote as the perpetual one.
        "contractType": ("LinearPerpetual", "InversePerpetual"),
    },
)
_PAST_TRADES = TradeList(
    envelope=_ANSWER,
    trade_id="execId",
    price="price",
    quantity="size",
    side="side",
    taker_sides=_SIDES,
    time="time",
    is_newest_first=True,
)

# Of who has no VIP level: https://www.bybit.com/en/help-center/article/Trading-Fee-Structure
_TAKER_FEES_PPM = {"spot": 1_000, "linear": 550, "inverse": 550}
MANIFESTS = tuple(
    Manifest(
        venue="bybit",
        market_type=market_type,
        documents=(
            "https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook",
            "https://bybit-exchange.github.io/docs/v5/rate-limit",
        ),
        checked_on="2026-11-21",
        from_documents_alone=market_type == "inverse",
        sockets=(
            Socket(
                name="public",
                url=f"wss://stream.bybit.com/v5/public/{market_type}",
                kinds=(Kind.BOOK, Kind.TRADES),
                topics_max=400,  # Their names together are below the 21,000 characters it allows.
                topics_per_message_max=10,  # A rule for spot; the others know no such limit.
            ),
        ),
        # It allows 600 requests in 5 seconds; who is told 403 shall wait for ten minutes.
        rest=Rest(url=_URL, weight_per_minute_max=6_000, forbidden_s=600),
        chain=Chain.CONTIGUOUS,
        snapshot_from=SnapshotFrom.STREAM,
        evidence=Evidence.LEVEL_COUNT,
        depths=(1, 50, 200, 1_000),
        depth_default=200,
        ping=Ping(text='{"op":"ping"}', interval_s=20, answer_timeout_s=40),
        silence_s=45,  # Twice the time between two answers to pings, and a little.
        stale_s=30,
        stale_reason="Something changes within 200 levels every second on all but dead pairs.",
        mute_s=5,  # No recorded connection was silent for half a second.
        connects_per_5_minutes_max=500,
        symbols_default=pairs,
        taker_fee_ppm=_TAKER_FEES_PPM[market_type],
    )
    for market_type, pairs in _PAIRS.items()
)

build_subscription_url = one_address
fetch_snapshot = nothing_to_ask  # A subscription begins with a snapshot.


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    """Return requests of at most ten topics, each named by its topics."""
    size = manifest.socket_for(socket, topics).topics_per_message_max
    op = "subscribe" if wanted else "unsubscribe"
    return [
        json_text({"req_id": ",".join(batch), "op": op, "args": batch})
        for batch in in_batches([_topic(manifest, topic) for topic in topics], size)
    ]


def _topic(manifest: Manifest, topic: Topic) -> str:
    if topic.kind is Kind.TRADES:
        return f"publicTrade.{topic.symbol}"
    return f"orderbook.{topic.depth or manifest.depth_default}.{topic.symbol}"


# The fields of what comes have the venue's own names.
_Number = Annotated[int, msgspec.Meta(ge=0)]


class _Levels(msgspec.Struct, gc=False):
    s: str
    b: list[Change]
    a: list[Change]
    u: _Number


class _Book(msgspec.Struct, gc=False):
    topic: str
    type: Literal["snapshot", "delta"]
    data: _Levels
    ts: _Number
    cts: _Number = 0  # When the book changed; `ts` is when that was sent.


class _Trade(msgspec.Struct, gc=False):
    s: str
    i: str
    p: str
    v: str
    S: Literal["Buy", "Sell"]
    T: _Number


class _Trades(msgspec.Struct, gc=False):
    topic: str
    data: list[_Trade]


class _Answer(msgspec.Struct, gc=False):
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    data: dict[str, list[str]] | None = None


_BOOK = Decoder(_Book)
_TRADES = Decoder(_Trades)
_ANY = Decoder(Any)


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    """Return what a frame says. Its topic tells how to read it, if it stands first."""
    try:
        if frame.startswith(b'{"topic":"orderbook.'):
            return _read_book(_BOOK.decode(frame))
        if frame.startswith(b'{"topic":"publicTrade.'):
            return _read_trades(_TRADES.decode(frame))
    except UNREADABLE:
        pass  # It is broken, or a topic of another shape.
    message = decoded(_ANY, frame)
    if not isinstance(message, dict):
        raise FrameError(f"{frame[:100]!r} is no message.")
    kind, _, rest = str(message.get("topic", "")).partition(".")
    if kind == "publicTrade":
        return _read_trades(shaped(message, _Trades))
    if kind == "orderbook" and rest.partition(".")[0] in _DEPTHS:
        return _read_book(shaped(message, _Book))
    return () if kind else _read_answer(shaped(message, _Answer))


def _read_book(book: _Book) -> Sequence[Update]:
    data = book.data
    depth = _DEPTHS.get(book.topic[len("orderbook.") : -len(data.s) - 1])
    if depth is None:
        return ()
    is_snapshot = book.type == "snapshot" or data.u == 1
    update = BookUpdate(data.s, data.b, data.a, is_snapshot, data.u, data.u, depth=depth)
    update.venue_at_ns = to_ns(book.cts or book.ts)
    if is_snapshot:
        update.is_whole = max(len(data.b), len(data.a)) < depth
    return (update,)


def _read_trades(trades: _Trades) -> Sequence[Update]:
    return [
        TradeUpdate(trade.s, trade.i, trade.p, trade.v, _SIDES[trade.S], to_ns(trade.T))
        for trade in trades.data
    ]


def _read_answer(answer: _Answer) -> Sequence[Update]:
    if answer.op in ("ping", "pong"):
        return (Pulse(),)
    if answer.success is None or answer.op == "unsubscribe":
        return ()
    if answer.data is not None:
        taken, failed = answer.data.get("successTopics", []), answer.data.get("failTopics", [])
    else:
        asked = _TOPIC.findall(answer.req_id) or [""]
        named = _TOPIC.findall(answer.ret_msg) or asked
        # Having asked twice is no reason not to get it.
        is_taken = answer.success or "already subscribed" in answer.ret_msg
        taken, failed = (asked, []) if is_taken else ([], named)
    reason = answer.ret_msg or "The venue gives no reason."
    refused = [Refused(reason, topic.rpartition(".")[2], topic) for topic in failed]
    return [*(Accepted(topic.rpartition(".")[2], topic) for topic in taken), *refused]


def fetch_instruments(manifest: Manifest) -> Request | None:
    """Return what to ask for all that is traded: the largest page; spot has no others."""
    query = f"category={manifest.market_type}&status=Trading&limit=1000"
    return _LISTED.ask(f"{_URL}/instruments-info?{query}")


def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
    """Return what to ask for the latest trades, which have the ids of the stream's."""
    category, limit = manifest.market_type, 60 if manifest.market_type == "spot" else 1_000
    query = f"category={category}&symbol={quote(symbol)}&limit={limit}"
    return _PAST_TRADES.ask(f"{_URL}/recent-trade?{query}", symbol)


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    """Return the pair that a name such as BTCUSDT or BTCPERP seems to be of."""
    if symbol.endswith("PERP"):
        return Instrument(symbol, symbol.removesuffix("PERP"), "USDC")
    pair = split_symbol(symbol)
    return pair and Instrument(symbol, *pair)
