"""A venue of our own for tests of desks: its frames are updates, written down as JSON.

The rule of this file: it has a function for everything that a connector must have, and no opinion.
"""

import json
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.plan import ConnectionPlan
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Chain,
    ConnectionSequence,
    Evidence,
    FrameError,
    Goodbye,
    Instrument,
    Kind,
    Manifest,
    Pulse,
    Refused,
    Request,
    SnapshotFrom,
    Socket,
    Topic,
    TouchUpdate,
    TradeUpdate,
    Update,
    to_text,
)

TYPES: dict[str, type[Update]] = {
    one.__name__: one
    for one in (
        Accepted,
        BookUpdate,
        ConnectionSequence,
        Goodbye,
        Instrument,
        Pulse,
        Refused,
        TouchUpdate,
        TradeUpdate,
    )
}
SOCKET = Socket(name="public", url="wss://json.test", kinds=tuple(Kind), topics_max=50)
INSTRUMENTS = (
    Instrument("BTCUSDT", "BTC", "USDT"),
    Instrument("ETHUSDT", "ETH", "USDT"),
    Instrument("SOLUSDT", "SOL", "USDT"),
)
SECOND_NS = 1_000_000_000


def frame(*updates: Update) -> bytes:
    said = [[type(update).__name__, msgspec.to_builtins(update)] for update in updates]
    return json.dumps(said).encode()


def parse_message(text: bytes, _at_ns: int = 0) -> list[Update]:
    try:
        return [msgspec.convert(fields, TYPES[name]) for name, fields in json.loads(text)]
    except (ValueError, KeyError) as error:
        raise FrameError(str(error)) from error


def _request(path: str, symbol: str) -> Request:
    return Request(f"https://json.test/{path}?symbol={symbol}", 1, partial(_read))


def _read(body: bytes, _url: str) -> Sequence[Update]:
    return parse_message(body)


def make_manifest(**facts: Any) -> Manifest:
    usual: dict[str, Any] = {
        "venue": "json",
        "market_type": "spot",
        "documents": (),
        "checked_on": "2026-11-21",
        "sockets": (SOCKET,),
        "chain": Chain.CONTIGUOUS,
        "snapshot_from": SnapshotFrom.REST,
        "evidence": Evidence.CHAIN,
        "silence_s": 30,
        "stale_s": 5,
        "stale_reason": "It is a test.",
        "symbols_default": ("BTC/USDT",),
    }
    return Manifest(**usual | facts)


def make_connector(**functions: Any) -> Any:
    def subscribe(
        _manifest: Manifest, _socket: str, topics: Sequence[Topic], *, wanted: bool = True
    ) -> list[str]:
        word = "subscribe" if wanted else "unsubscribe"
        return [" ".join([word, *(f"{topic.kind}:{topic.symbol}" for topic in topics)])]

    usual: dict[str, Any] = {
        "build_subscription_url": lambda manifest, socket, topics: f"wss://json.test/{socket}",
        "get_subscription_messages": subscribe,
        "parse_message": parse_message,
        "fetch_snapshot": lambda manifest, symbol, depth: _request("depth", symbol),
        "fetch_instruments": lambda manifest: _request("symbols", ""),
        "fetch_trades": lambda manifest, symbol: _request("trades", symbol),
        "guess_instrument": lambda manifest, symbol: Instrument(symbol, symbol[:3], symbol[3:]),
    }
    return SimpleNamespace(**usual | functions)


class Scene:
    """A desk with one open connection and a clock of its own."""

    def __init__(
        self,
        *pairs: str,
        manifest: Manifest | None = None,
        connector: Any = None,
        instruments: Sequence[Instrument] = INSTRUMENTS,
        **options: Any,
    ) -> None:
        self.at_ns = 1_000 * SECOND_NS
        self.connector = connector or make_connector()
        self.desk = Desk(
            self.connector,
            manifest or make_manifest(),
            pairs or (() if options.get("guess_symbols") else ("BTC/USDT",)),
            DeskOptions(**options),
            instruments,
        )
        self.connection = 0
        if self.desk.plans:
            self.open(self.desk.plans[0])
        elif self.desk.options.guess_symbols:
            self.open(ConnectionPlan(0, SOCKET, SOCKET.url, (), ()))

    def open(self, plan: ConnectionPlan) -> int:
        self.connection += 1
        self.desk.opened(self.connection, plan, self.at_ns)
        return self.connection

    def hear(self, *updates: Update, on: int = 0) -> None:
        self.desk.received(on or self.connection, frame(*updates), self.at_ns)

    def wait(self, seconds: float) -> None:
        self.at_ns += int(seconds * SECOND_NS)
        self.desk.tick(self.at_ns)

    def wishes(self, kind: type[Any]) -> list[Any]:
        """Return the wishes of this kind since the last look, and forget the others."""
        return [effect for effect in self.desk.take_effects() if type(effect) is kind]

    def shown(self, pair: str = "BTC/USDT") -> str:
        """Return a book as text: bids and asks, best first, as `1@100 2@99 | 3@101`."""
        book = self.desk.listings[pair].book
        sides = [
            " ".join(f"{to_text(quantity)}@{to_text(abs(key))}" for key, quantity in side.best(100))
            for side in (book.bids, book.asks)
        ]
        return " | ".join(sides)


def book(first_id: int, last_id: int, bids: str = "", asks: str = "", **fields: Any) -> BookUpdate:
    """Return an update; levels as `1@100 2@99`."""
    symbol = fields.pop("symbol", "BTCUSDT")
    return BookUpdate(
        symbol, _levels(bids), _levels(asks), first_id=first_id, last_id=last_id, **fields
    )


def snapshot(last_id: int, bids: str, asks: str, **fields: Any) -> BookUpdate:
    return book(last_id, last_id, bids, asks, is_snapshot=True, **{"is_whole": True} | fields)


def _levels(text: str) -> list[tuple[str, str]]:
    return [
        (price, quantity) for quantity, _, price in (one.partition("@") for one in text.split())
    ]
