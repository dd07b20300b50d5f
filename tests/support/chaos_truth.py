"""What venues' books truly are, frame by frame: plain dictionaries, and nothing of ours.

The rule of this file: it shares no code with what it judges, down to the reading of numbers. A
venue can be asked for its book in its own words, as it stands at that moment.
"""

import json
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

SCALE = 18
STATES_KEPT = 200  # How far a desk may be behind, in updates of one book.
LEVELS_MAX = 500
HISTORY_MAX = 100
SIDES = ("bids", "asks")

Levels = list[tuple[str, str]]
Frozen = tuple[dict[int, int], dict[int, int]]  # Bids and asks: price to quantity, in units.


@lru_cache(maxsize=100_000)
def units(text: str) -> int:
    return int(Decimal(text).scaleb(SCALE))


@dataclass
class TrueSide:
    """The venue's texts by price in units, and the quantities in units."""

    is_bids: bool
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)
    quantities: dict[int, int] = field(default_factory=dict)

    def change(self, levels: Levels, depth: int) -> None:
        for price_text, quantity_text in levels:
            price, quantity = units(price_text), units(quantity_text)
            if quantity:
                self.texts[price] = price_text, quantity_text
                self.quantities[price] = quantity
            elif price in self.texts:
                del self.texts[price], self.quantities[price]
        if depth and len(self.texts) > depth:
            best = self.best(depth)
            self.texts = {price: self.texts[price] for price in best}
            self.quantities = {price: self.quantities[price] for price in best}

    def best(self, count: int) -> list[int]:
        return sorted(self.texts, reverse=self.is_bids)[:count]


@dataclass
class TrueBook:
    """`states` are the latest ones by the venue's number, or by a count where it has none."""

    depth: int = 0  # Cut to so many levels after each update; 0: never.
    number: int = 0
    bids: TrueSide = field(default_factory=lambda: TrueSide(True))
    asks: TrueSide = field(default_factory=lambda: TrueSide(False))
    states: dict[int, Frozen] = field(default_factory=dict)

    def replace(self, bids: Levels, asks: Levels, number: int) -> None:
        self.bids, self.asks = TrueSide(True), TrueSide(False)
        self.change(bids, asks, number)

    def change(self, bids: Levels, asks: Levels, number: int) -> None:
        self.bids.change(bids, self.depth)
        self.asks.change(asks, self.depth)
        self.number = number
        self.states.pop(number, None)
        self.states[number] = self.bids.quantities.copy(), self.asks.quantities.copy()
        if len(self.states) > STATES_KEPT:
            del self.states[next(iter(self.states))]

    def texts(self, count: int) -> tuple[Levels, Levels]:
        return (
            [self.bids.texts[price] for price in self.bids.best(count)],
            [self.asks.texts[price] for price in self.asks.best(count)],
        )


@dataclass
class Heard:
    """What a frame is about: its books' symbols with the number after it, and trades' ids."""

    books: dict[str, int] = field(default_factory=dict)
    trades: list[tuple[str, str]] = field(default_factory=list)


class Venue(Protocol):
    """A venue as it was on the day of the recording."""

    books: dict[str, TrueBook]
    is_streamed: bool  # Snapshots come by subscribing; otherwise by asking.

    def say(self, text: str) -> tuple[str, Heard]:
        """Let a recorded frame happen, and return it as it goes out now."""

    def snapshot(self, symbol: str) -> str:
        """Return the venue's book of now: a frame, or the body of an answer."""

    def reconnected(self) -> list[str]:
        """Begin a new connection, and return what it begins with beside the books."""


def load(text: str) -> Any:
    return json.loads(text, parse_float=str)


class Kraken:
    is_streamed = True

    def __init__(self, depth: int) -> None:
        self.books: dict[str, TrueBook] = {}
        self._depth = depth

    def say(self, text: str) -> tuple[str, Heard]:
        said, heard = load(text), Heard()
        if said.get("channel") != "book":
            return text, heard
        for one in said["data"]:
            book = self.books.setdefault(one["symbol"], TrueBook(self._depth))
            bids, asks = (
                [(str(level["price"]), str(level["qty"])) for level in one[side]] for side in SIDES
            )
            apply = book.replace if said["type"] == "snapshot" else book.change
            apply(bids, asks, book.number + 1)
            heard.books[one["symbol"]] = book.number
            assert checksum(book) == one["checksum"], "the dictionary itself is wrong"
        return text, heard

    def snapshot(self, symbol: str) -> str:
        book = self.books[symbol]
        bids, asks = book.texts(self._depth)
        levels = [
            ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in side)
            for side in (bids, asks)
        ]
        return (
            f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol}",'
            f'"bids":[{levels[0]}],"asks":[{levels[1]}],"checksum":{checksum(book)},'
            f'"timestamp":"2026-08-01T02:53:53.646219Z"}}]}}'
        )

    def reconnected(self) -> list[str]:
        return []


def checksum(book: TrueBook) -> int:
    bids, asks = book.texts(10)
    digits = [text.replace(".", "").lstrip("0") for level in (*asks, *bids) for text in level]
    return zlib.crc32("".join(digits).encode())


class Bybit:
    is_streamed = True

    def __init__(self) -> None:
        self.books: dict[str, TrueBook] = {}

    def say(self, text: str) -> tuple[str, Heard]:
        said, heard = load(text), Heard()
        topic = said.get("topic", "")
        if topic.startswith("orderbook."):
            data = said["data"]
            book = self.books.setdefault(data["s"], TrueBook())
            apply = book.replace if said["type"] == "snapshot" else book.change
            apply(data["b"], data["a"], data["u"])
            heard.books[data["s"]] = book.number
        elif topic.startswith("publicTrade."):
            heard.trades = [(trade["s"], trade["i"]) for trade in said["data"]]
        return text, heard

    def snapshot(self, symbol: str) -> str:
        book = self.books[symbol]
        bids, asks = book.texts(200)
        data = {"s": symbol, "b": bids, "a": asks, "u": book.number, "seq": 1}
        said = {"topic": f"orderbook.200.{symbol}", "type": "snapshot", "ts": 1, "data": data}
        return json.dumps(said)

    def reconnected(self) -> list[str]:
        return []


class Coinbase:
    is_streamed = True

    def __init__(self) -> None:
        self.books: dict[str, TrueBook] = {}
        self._next = 0
        self._past: dict[str, deque[dict[str, Any]]] = {}

    def say(self, text: str) -> tuple[str, Heard]:
        said, heard = load(text), Heard()
        said["sequence_num"], self._next = self._next, self._next + 1
        for event in said.get("events", []):
            if said["channel"] == "l2_data":
                if event["type"] == "snapshot":
                    event["updates"] = best_of(event["updates"])
                self._change(event, heard)
            elif said["channel"] == "market_trades" and event["type"] == "update":
                heard.trades += [(one["product_id"], one["trade_id"]) for one in event["trades"]]
                for one in reversed(event["trades"]):
                    past = self._past.setdefault(one["product_id"], deque(maxlen=HISTORY_MAX))
                    past.appendleft(one)
        return json.dumps(said), heard

    def _change(self, event: dict[str, Any], heard: Heard) -> None:
        book = self.books.setdefault(event["product_id"], TrueBook())
        sides: dict[str, Levels] = {"bid": [], "offer": []}
        for one in event["updates"]:
            sides[one["side"]].append((one["price_level"], one["new_quantity"]))
        apply = book.replace if event["type"] == "snapshot" else book.change
        apply(sides["bid"], sides["offer"], book.number + 1)
        heard.books[event["product_id"]] = book.number

    def snapshot(self, symbol: str) -> str:
        bids, asks = self.books[symbol].texts(10**6)
        updates = [
            {"side": side, "price_level": price, "new_quantity": quantity}
            for side, levels in (("bid", bids), ("offer", asks))
            for price, quantity in levels
        ]
        event = {"type": "snapshot", "product_id": symbol, "updates": updates}
        number, self._next = self._next, self._next + 1
        return json.dumps({"channel": "l2_data", "sequence_num": number, "events": [event]})

    def reconnected(self) -> list[str]:
        self._next = 0
        return [self._number(trades) for trades in self._past.values()]

    def _number(self, trades: Iterable[dict[str, Any]]) -> str:
        event = {"type": "snapshot", "trades": list(trades)}
        number, self._next = self._next, self._next + 1
        said = {"channel": "market_trades", "sequence_num": number, "events": [event]}
        return json.dumps(said)


def best_of(levels: list[dict[str, str]]) -> list[dict[str, str]]:
    """Make a book of 46,000 levels a small one, so that it can be compared after each frame."""
    found: list[dict[str, str]] = []
    for side, sign in (("bid", -1), ("offer", 1)):
        own = [level for level in levels if level["side"] == side]
        found += sorted(own, key=lambda level: sign * units(level["price_level"]))[:LEVELS_MAX]
    return found


class Binance:
    is_streamed = False

    def __init__(self, snapshots: dict[str, str]) -> None:
        self.books: dict[str, TrueBook] = {}
        # The first one is from the recording; until then the venue's book is not known to us.
        self._first = {symbol: load(text) for symbol, text in snapshots.items()}

    def say(self, text: str) -> tuple[str, Heard]:
        said, heard = load(text)["data"], Heard()
        kind, symbol = said.get("e"), said.get("s", "")
        if kind == "depthUpdate":
            if symbol not in self.books and said["u"] >= self._first[symbol]["lastUpdateId"]:
                first = self._first[symbol]
                self.books[symbol] = TrueBook()
                self.books[symbol].replace(first["bids"], first["asks"], first["lastUpdateId"])
            if symbol in self.books:
                self.books[symbol].change(said["b"], said["a"], said["u"])
            heard.books[symbol] = said["u"]
        elif kind in ("trade", "aggTrade"):
            heard.trades = [(symbol, str(said["t" if kind == "trade" else "a"]))]
        return text, heard

    def snapshot(self, symbol: str) -> str:
        book = self.books.get(symbol)
        if book is None:
            return json.dumps(self._first[symbol])
        bids, asks = book.texts(1_000)
        return json.dumps({"lastUpdateId": book.number, "bids": bids, "asks": asks})

    def reconnected(self) -> list[str]:
        return []
