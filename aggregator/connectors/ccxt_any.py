"""Any exchange that the library ccxt knows, for the long tail: `ccxt-<exchange>:spot`.

The rule of this file: pure, and without the library. What a socket of `aggregator.feed.ccxt_socket`
sends are messages of our own, whose shapes are here; nothing proves a book that comes so.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggregator.protocol import (
    BookUpdate,
    Chain,
    Change,
    Evidence,
    Instrument,
    Kind,
    Manifest,
    Request,
    SnapshotFrom,
    Socket,
    Topic,
    TradeUpdate,
    Update,
    decoded,
)
from shared.messages import Side

# One for each exchange would be a hundred: a manifest is made for those that are wanted.
MANIFESTS: tuple[Manifest, ...] = ()
PREFIX, MARKET_TYPE = "ccxt-", "spot"
SCHEME = "ccxt://"


class Book(msgspec.Struct, tag_field="kind", tag="book"):
    """The best levels as they are now."""

    symbol: str
    bids: list[Change]
    asks: list[Change]
    at_ns: int = 0


class Traded(msgspec.Struct, tag_field="kind", tag="trade"):
    symbol: str
    trade_id: str
    price: str
    quantity: str
    side: Side
    at_ns: int = 0
    is_history: bool = False


class Listed(msgspec.Struct, tag_field="kind", tag="instruments"):
    """Symbol, base and quote of every spot market."""

    instruments: list[tuple[str, str, str]]


_FRAMES = msgspec.json.Decoder(Book | Traded | Listed)


def make_manifest(feed: str) -> Manifest | None:
    """Return the manifest of such a feed; None for another one."""
    venue, _, market_type = feed.partition(":")
    exchange = venue.removeprefix(PREFIX)
    if market_type != MARKET_TYPE or exchange in ("", venue):
        return None
    socket = Socket(
        name="ccxt",
        url=f"{SCHEME}{exchange}",
        kinds=(Kind.BOOK, Kind.TRADES, Kind.INSTRUMENTS),
        topics_max=100,
        messages_per_s_max=100,  # They go no further than to the library, which has its own pace.
    )
    return Manifest(
        venue=venue,
        market_type=market_type,
        documents=("https://docs.ccxt.com",),
        checked_on="2026-11-21",
        from_documents_alone=True,
        sockets=(socket,),
        chain=Chain.NONE,
        snapshot_from=SnapshotFrom.STREAM,
        evidence=Evidence.NONE,
        silence_s=60,
        stale_s=60,
        stale_reason="How often it comes is the library's affair.",
        subscribe_within_s=60,
        symbols_default=("BTC/USDT",),
    )


def build_subscription_url(manifest: Manifest, socket: str, topics: Sequence[Topic]) -> str:
    return manifest.socket_for(socket, topics).url


def get_subscription_messages(
    manifest: Manifest, socket: str, topics: Sequence[Topic], *, wanted: bool = True
) -> list[str]:
    return [
        msgspec.json.encode({"kind": topic.kind, "symbol": topic.symbol, "wanted": wanted}).decode()
        for topic in topics
    ]


def parse_message(frame: bytes, at_ns: int) -> Sequence[Update]:
    said: Any = decoded(_FRAMES, frame)
    if type(said) is Book:
        at_ns = said.at_ns
        return (BookUpdate(said.symbol, said.bids, said.asks, True, venue_at_ns=at_ns),)
    if type(said) is Traded:
        price, quantity, at_ns = said.price, said.quantity, said.at_ns
        return (
            TradeUpdate(
                said.symbol,
                said.trade_id,
                price,
                quantity,
                said.side,
                at_ns,
                is_history=said.is_history,
            ),
        )
    return [Instrument(*names) for names in said.instruments]


def fetch_snapshot(manifest: Manifest, symbol: str, depth: int) -> Request | None:
    return None


def fetch_instruments(manifest: Manifest) -> Request | None:
    return None


def fetch_trades(manifest: Manifest, symbol: str) -> Request | None:
    return None


def guess_instrument(manifest: Manifest, symbol: str) -> Instrument | None:
    base, _, quote = symbol.partition("/")
    return Instrument(symbol, base, quote) if base and quote and ":" not in quote else None
