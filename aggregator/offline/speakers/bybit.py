"""How Bybit's version 5 speaks, spot and linear.

The rule of this file: as in the documents v5/websocket/public/orderbook and v5/market, and in
recorded frames. A delta removes what leaves the depth; its number goes up by one with each delta
of a depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from aggregator.offline.grain import Grain
from aggregator.offline.market import Fill, Listed, Market, Move, Shown, Window
from aggregator.offline.stamps import milliseconds
from aggregator.offline.words import Address, Answer, Floor, Frame, Moods, Session, Speaker
from aggregator.protocol.manifest import NS_A_S, Kind

SPOT = {
    "BTC": ("0.1", "0.000001"),
    "ETH": ("0.01", "0.00001"),
    "SOL": ("0.01", "0.001"),
    "XRP": ("0.0001", "0.01"),
    "BNB": ("0.1", "0.0001"),
    "DOGE": ("0.00001", "0.1"),
    "ADA": ("0.0001", "0.01"),
    "LTC": ("0.01", "0.00001"),
    "LINK": ("0.001", "0.001"),
    "AVAX": ("0.001", "0.001"),
}
LINEAR = {
    "BTC": ("0.10", "0.001"),
    "ETH": ("0.01", "0.01"),
    "SOL": ("0.010", "0.1"),
    "XRP": ("0.0001", "0.1"),
    "BNB": ("0.10", "0.01"),
    "DOGE": ("0.00001", "1"),
    "ADA": ("0.0001", "1"),
    "LTC": ("0.01", "0.1"),
    "LINK": ("0.001", "0.1"),
    "AVAX": ("0.001", "0.1"),
}
DEPTHS = (1, 50, 200, 1_000)
SPOT_ARGS_MAX = 10
REPEAT_AFTER_NS = 3 * NS_A_S  # Of a depth of 1, its last snapshot is sent again.


class Heard(msgspec.Struct):
    """What a client says."""

    op: str = ""
    args: list[str] = []
    req_id: str = ""


@dataclass(slots=True)
class Book:
    """A subscription to a depth."""

    window: Window
    market: Market
    sent_at_ns: int = 0


@dataclass
class BybitSession(Session):
    """One connection, with its books and the symbols whose trades it wants."""

    books: dict[str, Book] = field(default_factory=dict, init=False)
    tapes: set[str] = field(default_factory=set, init=False)

    @property
    def is_spot(self) -> bool:
        return self.floor.feed.endswith(":spot")

    @property
    def name(self) -> str:
        return f"c0ffee00-0000-4000-8000-{self.number:012x}"

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (self._said("", False, "Params Error"),)
        if heard.op == "ping":
            return self.answer_ping(text, at_ns)
        if heard.op == "unsubscribe":
            for topic in heard.args:
                self.books.pop(topic, None)
                self.tapes.discard(topic.rpartition(".")[2] if "publicTrade" in topic else "")
            return (self._said(heard.op, True, "", heard.req_id),)
        if heard.op != "subscribe":
            return (self._said(heard.op, False, "Params Error", heard.req_id),)
        return self._subscribe(heard, at_ns)

    def answer_ping(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return ()
        return (self._said("ping", True, "pong", heard.req_id),) if heard.op == "ping" else ()

    def _subscribe(self, heard: Heard, at_ns: int) -> Sequence[Frame]:
        if self.is_spot and len(heard.args) > SPOT_ARGS_MAX:
            return (self._said("subscribe", False, "args size >10", heard.req_id),)
        for topic in heard.args:
            fault = self._fault(topic, at_ns)
            if fault or self.moods.is_refusing:
                # One topic that is not known, and none of the request is taken.
                reason = fault or f"error:handler not found,topic:{topic}"
                return (self._said("subscribe", False, reason, heard.req_id),)
        frames = [self._said("subscribe", True, "subscribe" if self.is_spot else "", heard.req_id)]
        for topic in heard.args:
            frames += self._take(topic, at_ns)
        return frames

    def _fault(self, topic: str, at_ns: int) -> str:
        kind, _, rest = topic.partition(".")
        depth, _, symbol = rest.rpartition(".")
        known = (kind == "publicTrade" and not depth) or (
            kind == "orderbook" and depth in {str(known) for known in DEPTHS}
        )
        if not known:
            return f"error:handler not found,topic:{topic}"
        return "" if self.floor.market(symbol, at_ns) else f"Invalid symbol :[{topic}]"

    def _take(self, topic: str, at_ns: int) -> Sequence[Frame]:
        kind, _, rest = topic.partition(".")
        depth, _, symbol = rest.rpartition(".")
        market = self.floor.market(symbol, at_ns)
        assert market is not None, "only known symbols are taken"
        if kind == "publicTrade":
            self.tapes.add(symbol)
            return ()
        book = Book(market.window(int(depth)), market)
        self.books[topic] = book
        return (self._snapshot(topic, book, at_ns),)

    def wanted(self) -> set[str]:
        return {topic.rpartition(".")[2] for topic in self.books} | self.tapes

    def moved(self, move: Move) -> Sequence[Frame]:
        symbol = move.market.listed.symbol
        frames: list[Frame] = []
        for topic, book in self.books.items():
            shown = book.window.shown
            if book.market is not move.market or shown.is_empty:
                continue
            if book.window.depth == 1:
                frames.append(self._snapshot(topic, book, move.at_ns))
            else:
                frames.append(Frame(self._delta(topic, move, shown), Kind.BOOK, symbol))
        if symbol in self.tapes and move.fills:
            frames.append(Frame(self._trades(move), Kind.TRADES, symbol))
        return frames

    def beat(self, at_ns: int) -> Sequence[Frame]:
        return [
            self._snapshot(topic, book, at_ns)
            for topic, book in self.books.items()
            if book.window.depth == 1 and at_ns - book.sent_at_ns >= REPEAT_AFTER_NS
        ]

    def _snapshot(self, topic: str, book: Book, at_ns: int) -> Frame:
        book.sent_at_ns = at_ns
        market, depth = book.market, book.window.depth
        data = self._data(
            market, market.bids.best(depth), market.asks.best(depth), book.window.number
        )
        # The time that matters is that of the book, which is older than the asking.
        text = self._event(topic, "snapshot", market.at_ns, f"{data},", cut=True)
        return Frame(text, Kind.BOOK, market.listed.symbol)

    def _delta(self, topic: str, move: Move, shown: Shown) -> str:
        bids = [*shown.bids.items(), *((key, 0) for key in shown.fallen_bids)]
        asks = [*shown.asks.items(), *((key, 0) for key in shown.fallen_asks)]
        data = self._data(
            move.market, sorted(bids, reverse=True), sorted(asks, reverse=True), shown.number
        )
        return self._event(topic, "delta", move.at_ns, f"{data},", cut=True)

    def _data(
        self,
        market: Market,
        bids: Sequence[tuple[int, int]],
        asks: Sequence[tuple[int, int]],
        number: int,
    ) -> str:
        write = self._levels
        return (
            f'{{"s":"{market.listed.symbol}","b":{write(market, bids)},"a":{write(market, asks)},'
            f'"u":{number},"seq":{market.last_id * 10}}}'
        )

    def _levels(self, market: Market, levels: Sequence[tuple[int, int]]) -> str:
        tick, step = market.listed.tick, market.listed.step
        price, size = (tick.short, step.short) if self.is_spot else (tick.fixed, step.fixed)
        parts = [f'["{price(abs(key))}","{size(left) if left else 0}"]' for key, left in levels]
        return f"[{','.join(parts)}]"

    def _event(self, topic: str, kind: str, at_ns: int, data: str, *, cut: bool = False) -> str:
        at_ms = milliseconds(at_ns)
        # The two markets differ in the order of these, as recorded.
        times = f'"ts":{at_ms},"type":"{kind}"' if self.is_spot else f'"type":"{kind}","ts":{at_ms}'
        end = f'"cts":{at_ms}' if cut else ""
        return f'{{"topic":"{topic}",{times},"data":{data}{end}}}'

    def _trades(self, move: Move) -> str:
        symbol = move.market.listed.symbol
        rows = ",".join(self._trade(move.market, fill) for fill in move.fills)
        return self._event(f"publicTrade.{symbol}", "snapshot", move.at_ns, f"[{rows}]")

    def _trade(self, market: Market, fill: Fill) -> str:
        side = "Buy" if fill.is_buy else "Sell"
        row = _row(market, fill, is_spot=self.is_spot)
        if self.is_spot:
            return (
                f'{{"i":"{row.id}","T":{row.at_ms},"p":"{row.price}","v":"{row.size}",'
                f'"S":"{side}","seq":{row.seq},"s":"{market.listed.symbol}","BT":false,'
                f'"RPI":false}}'
            )
        return (
            f'{{"T":{row.at_ms},"s":"{market.listed.symbol}","S":"{side}","v":"{row.size}",'
            f'"p":"{row.price}","L":"{"PlusTick" if fill.is_buy else "MinusTick"}",'
            f'"i":"{row.id}","BT":false,"RPI":false,"seq":{row.seq}}}'
        )

    def _said(self, op: str, success: bool, message: str, asked: str = "") -> Frame:
        named = f'"req_id":"{asked}",' if asked or not self.is_spot else ""
        text = msgspec.json.encode(message).decode()
        word = "true" if success else "false"
        return Frame(
            f'{{"success":{word},"ret_msg":{text},"conn_id":"{self.name}",{named}"op":"{op}"}}'
        )


@dataclass(slots=True)
class Row:
    id: str
    at_ms: int
    price: str
    size: str
    seq: int


def _row(market: Market, fill: Fill, *, is_spot: bool) -> Row:
    tick, step = market.listed.tick, market.listed.step
    price, size = (tick.short, step.short) if is_spot else (tick.fixed, step.fixed)
    name = (
        f"22900000{fill.number:011d}" if is_spot else f"5eed0000-0000-5000-8000-{fill.number:012x}"
    )
    at_ms = milliseconds(fill.at_ns)
    return Row(name, at_ms, price(fill.ticks), size(fill.steps), fill.update_id * 10)


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/v5/market/instruments-info`, `orderbook`, `recent-trade` and `time`."""
    last = address.path.rpartition("/")[2]
    category = address.values.get("category", "")
    if last == "time":
        seconds = at_ns // NS_A_S
        return _wrapped(f'{{"timeSecond":"{seconds}","timeNano":"{at_ns}"}}', at_ns)
    if last == "instruments-info":
        rows = ",".join(_symbol(entry, category) for entry in floor.listed.values())
        page = "" if category == "spot" else ',"nextPageCursor":""'
        return _wrapped(f'{{"category":"{category}","list":[{rows}]{page}}}', at_ns)
    market = floor.market(address.values.get("symbol", ""), at_ns)
    if market is None:
        return Answer('{"retCode":10001,"retMsg":"Not supported symbols","result":{}}')
    if last != "recent-trade":
        return None
    limit = int(address.values.get("limit", "60"))
    fills = list(market.tape)[-limit:][::-1]
    rows = ",".join(_recent(market, fill, is_spot=category == "spot") for fill in fills)
    return _wrapped(f'{{"category":"{category}","list":[{rows}]}}', at_ns)


def _wrapped(result: str, at_ns: int) -> Answer:
    return Answer(
        f'{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},'
        f'"time":{milliseconds(at_ns)}}}'
    )


def _recent(market: Market, fill: Fill, *, is_spot: bool) -> str:
    row = _row(market, fill, is_spot=is_spot)
    side = "Buy" if fill.is_buy else "Sell"
    return (
        f'{{"execId":"{row.id}","symbol":"{market.listed.symbol}","price":"{row.price}",'
        f'"size":"{row.size}","side":"{side}","time":"{row.at_ms}","isBlockTrade":false,'
        f'"isRPITrade":false,"seq":"{row.seq}"}}'
    )


def _symbol(entry: Listed, category: str) -> str:
    begin = f'"symbol":"{entry.symbol}","status":"Trading"'
    coins = f'"baseCoin":"{entry.base}","quoteCoin":"{entry.quote}"'
    prices = f'"priceFilter":{{"tickSize":"{entry.tick.text}"}}'
    if category == "spot":
        sizes = f'"lotSizeFilter":{{"basePrecision":"{entry.step.text}"}}'
        return f'{{{begin},{coins},"innovation":"0",{sizes},{prices}}}'
    sizes = f'"lotSizeFilter":{{"qtyStep":"{entry.step.text}"}}'
    return f'{{{begin},{coins},"contractType":"LinearPerpetual",{sizes},{prices}}}'


SPEAKERS = tuple(
    Speaker(
        feed=f"bybit:{market_type}",
        listed=tuple(
            Listed(f"{base}{quote}", base, quote, Grain(tick), Grain(step))
            for base, (tick, step) in table.items()
            for quote in ("USDT", "USDC")
        ),
        socket_hosts=("stream.bybit.com",),
        socket_paths=(f"/v5/public/{market_type}",),
        session=BybitSession,
        http_hosts=("api.bybit.com",),
        http_values={"category": market_type},
        answer=answer,
    )
    for market_type, table in (("spot", SPOT), ("linear", LINEAR))
)
