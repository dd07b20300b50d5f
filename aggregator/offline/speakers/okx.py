"""How OKX's spot market speaks, version 5.

The rule of this file: as in the documents docs-v5. Each update of a book names the one before it; a
subscription still begins with a picture, and its checksum is always 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from aggregator.offline.grain import Grain
from aggregator.offline.market import Fill, Listed, Market, Move, Window
from aggregator.offline.stamps import milliseconds
from aggregator.offline.words import Address, Answer, Floor, Frame, Moods, Session, Speaker
from aggregator.protocol.manifest import NS_A_S, Kind

TICKS = {
    "BTC": ("0.1", "0.00000001"),
    "ETH": ("0.01", "0.000001"),
    "SOL": ("0.01", "0.000001"),
    "XRP": ("0.0001", "0.000001"),
    "BNB": ("0.1", "0.000001"),
    "DOGE": ("0.00001", "0.000001"),
    "ADA": ("0.0001", "0.000001"),
    "LTC": ("0.01", "0.000001"),
    "LINK": ("0.001", "0.000001"),
    "AVAX": ("0.001", "0.000001"),
}
LISTED = tuple(
    Listed(f"{base}-{quote}", base, quote, Grain(tick), Grain(step))
    for base, (tick, step) in TICKS.items()
    for quote in ("USDT", "USDC")
)
DEPTH = 400
QUIET_NS = 60 * NS_A_S  # After it a message says that nothing has changed.
FIRST = -1  # What comes before a picture.
AGE = 50  # Visible changes between a book by HTTP that is too old and now.


class Arg(msgspec.Struct):
    """One thing that is subscribed to."""

    channel: str = ""
    instId: str = ""


class Heard(msgspec.Struct):
    """What a client says."""

    op: str = ""
    args: list[Arg] = []


@dataclass(slots=True)
class Book:
    """A subscription to the book of 400."""

    market: Market
    window: Window
    told_at_ns: int


@dataclass
class OkxSession(Session):
    """One connection, with its books and the instruments whose trades it wants."""

    books: dict[str, Book] = field(default_factory=dict, init=False)
    tapes: set[str] = field(default_factory=set, init=False)

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        if text == "ping":
            return self.answer_ping(text, at_ns)
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (self._error("60012", f"Invalid request: {text}"),)
        if heard.op not in {"subscribe", "unsubscribe"}:
            return (self._error("60012", f"Invalid request: {text}"),)
        frames: list[Frame] = []
        for arg in heard.args:
            frames += self._switch(heard.op, arg, at_ns)
        return frames

    def answer_ping(self, text: str, at_ns: int) -> Sequence[Frame]:
        return (Frame("pong"),) if text == "ping" else ()

    def _switch(self, operation: str, arg: Arg, at_ns: int) -> Sequence[Frame]:
        named = f"channel:{arg.channel},instId:{arg.instId}"
        market = self.floor.market(arg.instId, at_ns)
        if market is None or arg.channel not in {"books", "trades"} or self.moods.is_refusing:
            reason = f"Wrong URL or {named} doesn't exist. Please use the correct URL."
            return (self._error("60018", reason),)
        said = Frame(
            f'{{"event":"{operation}","arg":{_arg(arg)},"connId":"a4d3{self.number:04x}"}}'
        )
        if operation == "unsubscribe":
            if arg.channel == "books":
                self.books.pop(arg.instId, None)
            else:
                self.tapes.discard(arg.instId)
            return (said,)
        if arg.channel == "trades":
            self.tapes.add(arg.instId)
            return (said,)
        book = self.books[arg.instId] = Book(market, market.window(DEPTH), at_ns)
        if self.moods.has_no_pictures:
            return (said,)
        levels = market.bids.best(DEPTH), market.asks.best(DEPTH)
        text = _event("snapshot", book, *levels, previous=FIRST)
        return (said, Frame(text, Kind.BOOK, arg.instId))

    def _error(self, code: str, message: str) -> Frame:
        body = {"event": "error", "code": code, "msg": message, "connId": f"a4d3{self.number:04x}"}
        return Frame(msgspec.json.encode(body).decode())

    def wanted(self) -> set[str]:
        return set(self.books) | self.tapes

    def moved(self, move: Move) -> Sequence[Frame]:
        frames: list[Frame] = []
        symbol = move.market.listed.symbol
        book = self.books.get(symbol)
        if book is not None and not book.window.shown.is_empty:
            book.told_at_ns = move.at_ns
            shown = book.window.shown
            bids = [*shown.bids.items(), *((key, 0) for key in shown.fallen_bids)]
            asks = [*shown.asks.items(), *((key, 0) for key in shown.fallen_asks)]
            text = _event("update", book, bids, asks, previous=shown.number - 1)
            frames.append(Frame(text, Kind.BOOK, symbol))
        if symbol in self.tapes:
            frames += [
                Frame(_trade(move.market.listed, fill), Kind.TRADES, symbol) for fill in move.fills
            ]
        return frames

    def beat(self, at_ns: int) -> Sequence[Frame]:
        frames = []
        for symbol, book in self.books.items():
            if at_ns - book.told_at_ns >= QUIET_NS:
                book.told_at_ns = at_ns
                text = _event("update", book, (), (), previous=book.window.number)
                frames.append(Frame(text, Kind.BOOK, symbol))
        return frames

    def goodbye(self, at_ns: int) -> Sequence[Frame]:
        message = "The connection will soon be closed for a service upgrade. Please reconnect."
        return (
            Frame(
                f'{{"event":"notice","code":"64008","msg":"{message}",'
                f'"connId":"a4d3{self.number:04x}"}}'
            ),
        )


def _arg(arg: Arg) -> str:
    return f'{{"channel":"{arg.channel}","instId":"{arg.instId}"}}'


def _levels(market: Market, levels: Sequence[tuple[int, int]]) -> str:
    tick, step = market.listed.tick.short, market.listed.step.short
    parts = [
        f'["{tick(abs(key))}","{step(left) if left else 0}","0","{1 if left else 0}"]'
        for key, left in levels
    ]
    return f"[{','.join(parts)}]"


def _trade(listed: Listed, fill: Fill) -> str:
    side = "buy" if fill.is_buy else "sell"
    return (
        f'{{"arg":{_arg(Arg("trades", listed.symbol))},"data":[{{"instId":"{listed.symbol}",'
        f'"tradeId":"{fill.number}","px":"{listed.tick.short(fill.ticks)}",'
        f'"sz":"{listed.step.short(fill.steps)}","side":"{side}",'
        f'"ts":"{milliseconds(fill.at_ns)}","count":"1","source":"0","seqId":{fill.update_id}'
        f"}}]}}"
    )


def _event(
    action: str,
    book: Book,
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
    *,
    previous: int,
) -> str:
    market = book.market
    return (
        f'{{"arg":{_arg(Arg("books", market.listed.symbol))},"action":"{action}","data":[{{'
        f'"asks":{_levels(market, asks)},"bids":{_levels(market, bids)},'
        f'"ts":"{milliseconds(market.at_ns)}","checksum":0,"seqId":{book.window.number},'
        f'"prevSeqId":{previous}}}]}}'
    )


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/api/v5/market/books`, `public/instruments` and `public/time`."""
    last = address.path.rpartition("/")[2]
    if last == "time":
        return _wrapped(f'{{"ts":"{milliseconds(at_ns)}"}}')
    if last == "instruments":
        return _wrapped(",".join(_symbol(entry) for entry in floor.listed.values()))
    market = floor.market(address.values.get("instId", ""), at_ns)
    if market is None:
        return Answer('{"code":"51001","msg":"Instrument ID doesn\'t exist.","data":[]}')
    if last != "books":
        return None
    depth = int(address.values.get("sz", "1"))
    # Too old a book is that of now under a number of then: it must not be joined either way.
    age = AGE if moods.old_snapshots else 0
    moods.old_snapshots -= bool(age)
    return _wrapped(
        f'{{"asks":{_levels(market, market.asks.best(depth))},'
        f'"bids":{_levels(market, market.bids.best(depth))},'
        f'"ts":"{milliseconds(market.at_ns)}","seqId":{market.window(DEPTH).number - age}}}'
    )


def _wrapped(rows: str) -> Answer:
    return Answer(f'{{"code":"0","msg":"","data":[{rows}]}}')


def _symbol(entry: Listed) -> str:
    return (
        f'{{"instType":"SPOT","instId":"{entry.symbol}","baseCcy":"{entry.base}",'
        f'"quoteCcy":"{entry.quote}","tickSz":"{entry.tick.text}","lotSz":"{entry.step.text}",'
        f'"state":"live"}}'
    )


SPEAKERS = (
    Speaker(
        feed="okx:spot",
        listed=LISTED,
        socket_hosts=("ws.okx.com",),
        socket_paths=("/ws/v5/public",),
        session=OkxSession,
        http_hosts=("www.okx.com",),
        answer=answer,
    ),
)
