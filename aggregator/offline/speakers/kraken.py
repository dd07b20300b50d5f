"""How Kraken's spot market speaks, version 2.

The rule of this file: as in the documents spot-websocket-v2 and book-checksum-v2, and in recorded
frames. Numbers are bare, with all their decimals; a level that falls out of the depth goes unsaid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import msgspec

from aggregator.offline.grain import Grain
from aggregator.offline.market import Fill, Listed, Market, Move, Window
from aggregator.offline.stamps import iso
from aggregator.offline.words import Address, Answer, Floor, Frame, Moods, Session, Speaker
from aggregator.protocol.manifest import NS_A_S, Kind

PLACES = 8  # Of every quantity.
TICKS = {
    "BTC": "0.1",
    "ETH": "0.01",
    "SOL": "0.01",
    "XRP": "0.00001",
    "BNB": "0.01",
    "DOGE": "0.0000001",
    "ADA": "0.000001",
    "LTC": "0.01",
    "LINK": "0.00001",
    "AVAX": "0.001",
}
LISTED = tuple(
    Listed(f"{base}/{quote}", base, quote, Grain(tick), Grain("0.00000001"))
    for base, tick in TICKS.items()
    for quote in ("USD", "USDT")
)
DEPTHS = (10, 25, 100, 500, 1_000)
DEPTH_DEFAULT = 10
CHECKED = 10  # Levels a side that the checksum is over.
HISTORY = 50  # Trades in the snapshot of a subscription to them.
OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}  # By HTTP, still those of the first version.
CHANNELS = {"book", "trade", "instrument", "ticker"}


class Wish(msgspec.Struct):
    """What of a channel is wanted."""

    channel: str = ""
    symbol: list[str] = []
    depth: int = DEPTH_DEFAULT
    snapshot: bool = True


class Heard(msgspec.Struct):
    """What a client says."""

    method: str = ""
    params: Wish = msgspec.field(default_factory=Wish)
    req_id: int | None = None


@dataclass
class KrakenSession(Session):
    """One connection, with its books by symbol and the symbols whose trades it wants."""

    books: dict[str, Window] = field(default_factory=dict, init=False)
    tapes: set[str] = field(default_factory=set, init=False)
    is_quiet: bool = field(default=True, init=False)

    def opened(self, at_ns: int) -> Sequence[Frame]:
        # Numbers of connections are beyond what a double can hold.
        number = 7_204_881_492_680_171_915 + self.number
        return (
            Frame(
                '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
                f'"api_version":"v2","connection_id":{number}}}]}}'
            ),
        )

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (Frame('{"error":"Malformed request","success":false}'),)
        if heard.method == "ping":
            return self.answer_ping(text, at_ns)
        if heard.method not in {"subscribe", "unsubscribe"}:
            return (self._said(heard, at_ns, error="Unsupported method", success=False),)
        if heard.params.channel not in CHANNELS:
            return (self._said(heard, at_ns, error="Unsupported channel", success=False),)
        frames: list[Frame] = []
        for symbol in heard.params.symbol or [""]:
            frames += self._switch(heard, symbol, at_ns)
        return frames

    def answer_ping(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return ()
        return (self._said(heard, at_ns, method="pong"),) if heard.method == "ping" else ()

    def _switch(self, heard: Heard, symbol: str, at_ns: int) -> Sequence[Frame]:
        wish = heard.params
        market = self.floor.market(symbol, at_ns)
        if wish.channel == "book" and wish.depth not in DEPTHS:
            reason = "Subscription depth not supported"
        elif self.moods.is_refusing or (market is None and wish.channel != "instrument"):
            reason = f"Currency pair not supported {symbol}"
        elif heard.method == "subscribe" and wish.channel == "book" and symbol in self.books:
            reason = "Already subscribed"
        else:
            result: dict[str, Any] = {"channel": wish.channel}
            result |= {"depth": wish.depth} if wish.channel == "book" else {}
            result |= {"snapshot": wish.snapshot} if heard.method == "subscribe" else {}
            result |= {"symbol": symbol} if symbol else {}
            said = self._said(heard, at_ns, result=result, success=True)
            if heard.method == "unsubscribe":
                self._leave(wish.channel, symbol)
                return (said,)
            return (said, *self._take(wish, market, at_ns))
        return (self._said(heard, at_ns, error=reason, success=False, symbol=symbol),)

    def _said(self, heard: Heard, at_ns: int, **fields: Any) -> Frame:
        stamps = {"time_in": iso(at_ns, 6), "time_out": iso(at_ns + 40_000, 6)}
        asked = {} if heard.req_id is None else {"req_id": heard.req_id}
        body = {"method": heard.method} | fields | asked | stamps
        return Frame(msgspec.json.encode(body).decode())

    def _leave(self, channel: str, symbol: str) -> None:
        if channel == "book":
            self.books.pop(symbol, None)
        elif channel == "trade":
            self.tapes.discard(symbol)

    def _take(self, wish: Wish, market: Market | None, at_ns: int) -> Sequence[Frame]:
        if wish.channel == "instrument":
            return (Frame(_instruments(list(self.floor.listed.values())), Kind.INSTRUMENTS),)
        assert market is not None, "only known symbols are taken"
        symbol = market.listed.symbol
        if wish.channel == "trade":
            self.tapes.add(symbol)
            fills = list(market.tape)[-HISTORY:]
            return (Frame(_trades(market, fills, "snapshot"), Kind.TRADES, symbol),)
        if wish.channel != "book":
            return ()
        window = self.books[symbol] = market.window(wish.depth)
        depth = window.depth
        text = _book("snapshot", market, market.bids.best(depth), market.asks.best(depth), depth)
        return (Frame(text, Kind.BOOK, symbol),)

    def wanted(self) -> set[str]:
        return set(self.books) | self.tapes

    def moved(self, move: Move) -> Sequence[Frame]:
        market = move.market
        symbol = market.listed.symbol
        frames: list[Frame] = []
        window = self.books.get(symbol)
        if window is not None and (window.shown.bids or window.shown.asks):
            shown = window.shown
            text = _book(
                "update",
                market,
                list(shown.bids.items()),
                list(shown.asks.items()),
                window.depth,
            )
            frames.append(Frame(text, Kind.BOOK, symbol))
        if symbol in self.tapes and move.fills:
            frames.append(Frame(_trades(market, move.fills, "update"), Kind.TRADES, symbol))
        self.is_quiet = self.is_quiet and not frames
        return frames

    def beat(self, at_ns: int) -> Sequence[Frame]:
        # Only where nothing else was sent, and only to who has subscribed to something.
        was_quiet, self.is_quiet = self.is_quiet, True
        return (Frame('{"channel":"heartbeat"}'),) if was_quiet and self.wanted() else ()

    def goodbye(self, at_ns: int) -> Sequence[Frame]:
        return (
            Frame(
                '{"channel":"status","type":"update","data":[{"version":"2.0.10",'
                '"system":"maintenance","api_version":"v2",'
                f'"connection_id":{7_204_881_492_680_171_915 + self.number}}}]}}'
            ),
        )


def checksum(market: Market, depth: int) -> int:
    """Return the CRC32 of the best ten asks, then bids: digits of price and quantity, without the
    point and without leading zeros.
    """
    count = min(CHECKED, depth)
    levels = market.asks.best(count) + market.bids.best(count)
    return crc32("".join(f"{abs(key)}{left}" for key, left in levels).encode())


def _book(
    kind: str,
    market: Market,
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
    depth: int,
) -> str:
    tick, step = market.listed.tick.fixed, market.listed.step.fixed
    sides = [
        ",".join(f'{{"price":{tick(abs(key))},"qty":{step(left)}}}' for key, left in levels)
        for levels in (bids, asks)
    ]
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{market.listed.symbol}",'
        f'"bids":[{sides[0]}],"asks":[{sides[1]}],"checksum":{checksum(market, depth)},'
        f'"timestamp":"{iso(market.at_ns, 6)}"}}]}}'
    )


def _trades(market: Market, fills: Sequence[Fill], kind: str) -> str:
    listed = market.listed
    rows = [
        f'{{"symbol":"{listed.symbol}","side":"{"buy" if fill.is_buy else "sell"}",'
        f'"price":{listed.tick.fixed(fill.ticks)},"qty":{listed.step.fixed(fill.steps)},'
        f'"ord_type":"market","trade_id":{fill.number},"timestamp":"{iso(fill.at_ns, 6)}"}}'
        for fill in fills
    ]
    return f'{{"channel":"trade","type":"{kind}","data":[{",".join(rows)}]}}'


def _instruments(listed: Sequence[Listed]) -> str:
    bases = sorted({entry.base for entry in listed} | {entry.quote for entry in listed})
    assets = ",".join(
        f'{{"id":"{name}","status":"enabled","precision":10,"precision_display":5,'
        f'"borrowable":false,"collateral_value":0.0}}'
        for name in bases
    )
    pairs = ",".join(
        f'{{"symbol":"{entry.symbol}","base":"{entry.base}","quote":"{entry.quote}",'
        f'"status":"online","qty_precision":{entry.step.places},"qty_increment":1e-08,'
        f'"price_precision":{entry.tick.places},"cost_precision":5,"marginable":false,'
        f'"has_index":true,"cost_min":0.5,"price_increment":{entry.tick.text},'
        f'"qty_min":{entry.step.text}}}'
        for entry in listed
    )
    return (
        '{"channel":"instrument","type":"snapshot",'
        f'"data":{{"assets":[{assets}],"pairs":[{pairs}]}}}}'
    )


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/0/public/AssetPairs` and `/0/public/Time`."""
    if address.path.endswith("/Time"):
        return Answer(f'{{"error":[],"result":{{"unixtime":{at_ns // NS_A_S}}}}}')
    if not address.path.endswith("/AssetPairs"):
        return Answer('{"error":["EGeneral:Unknown method"]}')
    pairs = ",".join(_asset_pair(entry) for entry in floor.listed.values())
    return Answer(f'{{"error":[],"result":{{{pairs}}}}}')


def _asset_pair(entry: Listed) -> str:
    base = OLD_NAMES.get(entry.base, entry.base)
    return (
        f'"{base}{entry.quote}":{{"altname":"{base}{entry.quote}",'
        f'"wsname":"{base}/{entry.quote}","base":"{base}","quote":"{entry.quote}",'
        f'"pair_decimals":{entry.tick.places},"lot_decimals":{entry.step.places},'
        f'"tick_size":"{entry.tick.text}","status":"online"}}'
    )


SPEAKERS = (
    Speaker(
        feed="kraken:spot",
        listed=LISTED,
        socket_hosts=("ws.kraken.com",),
        socket_paths=("/v2",),
        session=KrakenSession,
        http_hosts=("api.kraken.com",),
        answer=answer,
    ),
)
