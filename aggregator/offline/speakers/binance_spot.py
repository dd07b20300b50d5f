"""How Binance's spot market speaks.

The rule of this file: as in the documents binance-spot-api-docs (web-socket-streams, rest-api) and
in recorded frames; prices and quantities have eight decimals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from aggregator.offline.grain import Grain
from aggregator.offline.ladder import Levels
from aggregator.offline.market import Fill, Listed, Market, Move
from aggregator.offline.stamps import milliseconds
from aggregator.offline.words import Address, Answer, Floor, Frame, Moods, Session, Speaker
from aggregator.protocol.manifest import Kind

PLACES = 8
TICKS = {
    "BTC": ("0.01", "0.00001"),
    "ETH": ("0.01", "0.0001"),
    "SOL": ("0.01", "0.001"),
    "XRP": ("0.0001", "0.1"),
    "BNB": ("0.01", "0.001"),
    "DOGE": ("0.00001", "1"),
    "ADA": ("0.0001", "0.1"),
    "LTC": ("0.01", "0.001"),
    "LINK": ("0.01", "0.01"),
    "AVAX": ("0.01", "0.01"),
}
LISTED = tuple(
    Listed(f"{base}{quote}", base, quote, Grain(tick), Grain(step))
    for base, (tick, step) in TICKS.items()
    for quote in ("USDT", "USDC")
)
STREAMS_MAX = 1_024
PARTIAL_DEPTHS = {"depth5": 5, "depth10": 10, "depth20": 20}
INTERVALS_MS = {"": 1_000, "100ms": 100, "1000ms": 1_000}
OLDER_BY = 500  # Numbers between a snapshot that is too old and now.


class Heard(msgspec.Struct):
    """What a client says."""

    method: str = ""
    params: list[str] = []
    id: int | str | None = None


@dataclass(slots=True)
class Pending:
    """A stream of differences, gathered up to its interval."""

    interval_ms: int
    due_ms: int = 0
    first_id: int = 0
    last_id: int = 0
    previous_id: int = 0
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)

    def gather(self, move: Move) -> None:
        self.first_id = self.first_id or move.first_id
        self.previous_id = self.previous_id or move.previous_id
        self.last_id = move.last_id
        self.bids |= move.bids
        self.asks |= move.asks

    def clear(self, now_ms: int) -> None:
        self.due_ms = now_ms + self.interval_ms
        self.previous_id = self.last_id
        self.first_id = 0
        self.bids = {}
        self.asks = {}


class Numbers:
    """How the two numbers of a level are written; other markets of the house write them so too."""

    def __init__(self, listed: Listed, places: int) -> None:
        self._tick, self._step, self._places = listed.tick, listed.step, places

    def price(self, ticks: int) -> str:
        return self._tick.padded(ticks, self._places)

    def quantity(self, steps: int) -> str:
        return self._step.padded(steps, self._places)

    def levels(self, levels: Sequence[tuple[int, int]]) -> str:
        parts = [f'["{self.price(abs(key))}","{self.quantity(left)}"]' for key, left in levels]
        return f"[{','.join(parts)}]"


@dataclass
class StreamsSession(Session):
    """Subscriptions by stream names, in the address or by message; both markets work so."""

    streams: dict[str, Pending | None] = field(default_factory=dict, init=False)
    is_combined: bool = field(default=False, init=False)
    intervals_ms = INTERVALS_MS
    places = PLACES

    def opened(self, at_ns: int) -> Sequence[Frame]:
        self.is_combined = self.address.path.endswith("/stream")
        named = self.address.values.get("streams", "") if self.is_combined else ""
        if "/ws/" in self.address.path:
            named = self.address.path.partition("/ws/")[2]
        if not self.moods.is_refusing:
            self._add(named.split("/"), at_ns)
        return ()

    def carries(self, kind: str) -> bool:
        """Say whether this connection brings streams of a kind at all."""
        return True

    def _add(self, streams: Sequence[str], at_ns: int) -> None:
        for stream in streams:
            name, _, rest = stream.partition("@")
            kind, _, interval = rest.partition("@")
            market = self.floor.market(name.upper(), at_ns) if name.islower() else None
            # An unknown stream is taken without a word, and nothing ever comes of it.
            if market is None or not self.carries(kind):
                continue
            is_diff = kind == "depth" and interval in self.intervals_ms
            self.streams[stream] = Pending(self.intervals_ms[interval]) if is_diff else None

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (_error(3, "Invalid JSON: expected value at line 1 column 1", None),)
        if self.moods.is_refusing or heard.method not in {"SUBSCRIBE", "UNSUBSCRIBE"}:
            return (_error(2, "Invalid request: unknown variant", heard.id),)
        if heard.method == "SUBSCRIBE" and len(self.streams) + len(heard.params) > STREAMS_MAX:
            return (_error(4, "Too many subscriptions", heard.id),)
        if heard.method == "SUBSCRIBE":
            self._add(heard.params, at_ns)
        else:
            for stream in heard.params:
                self.streams.pop(stream, None)
        return (Frame(f'{{"result":null,"id":{msgspec.json.encode(heard.id).decode()}}}'),)

    def wanted(self) -> set[str]:
        return {stream.partition("@")[0].upper() for stream in self.streams}

    def goodbye(self, at_ns: int) -> Sequence[Frame]:
        data = f'{{"e":"serverShutdown","E":{milliseconds(at_ns)}}}'
        return (Frame(self.wrap("!serverShutdown", data)),)

    def wrap(self, stream: str, data: str) -> str:
        return f'{{"stream":"{stream}","data":{data}}}' if self.is_combined else data

    def moved(self, move: Move) -> Sequence[Frame]:
        frames: list[Frame] = []
        symbol = move.market.listed.symbol
        name = symbol.lower()
        for stream, pending in self.streams.items():
            base, _, kind = stream.partition("@")
            if base == name:
                for word, data in self._data(kind, pending, move):
                    frames.append(Frame(self.wrap(stream, data), word, symbol))
        # The book goes last: it is what gathered, and the rest was told at once.
        return sorted(frames, key=lambda frame: frame.kind is Kind.BOOK)

    def _data(self, kind: str, pending: Pending | None, move: Move) -> Sequence[tuple[Kind, str]]:
        if pending is not None:
            pending.gather(move)
            now_ms = milliseconds(move.at_ns)
            if now_ms < pending.due_ms:
                return ()
            text = self.difference(move, pending)
            pending.clear(now_ms)
            return ((Kind.BOOK, text),)
        if kind == "bookTicker":
            return [(Kind.TOUCH, text) for text in self.touches(move)]
        if kind in {"trade", "aggTrade"}:
            return [(Kind.TRADES, self.trade(move, fill, kind)) for fill in move.fills]
        if kind.partition("@")[0] in PARTIAL_DEPTHS:
            return ((Kind.BOOK, self.partial(move.market, PARTIAL_DEPTHS[kind.partition("@")[0]])),)
        return ()

    def numbers(self, market: Market) -> Numbers:
        return Numbers(market.listed, self.places)

    def difference(self, move: Move, pending: Pending) -> str:
        write = self.numbers(move.market)
        return (
            f'{{"e":"depthUpdate","E":{milliseconds(move.at_ns)},{self.matched(move.at_ns)}'
            f'"s":"{move.market.listed.symbol}","U":{pending.first_id},"u":{pending.last_id},'
            f'{self.link(pending)}"b":{write.levels(sorted(pending.bids.items(), reverse=True))},'
            f'"a":{write.levels(sorted(pending.asks.items(), reverse=True))}}}'
        )

    def matched(self, at_ns: int) -> str:
        """Return the field of the matching engine's time, where there is one."""
        return ""

    def link(self, pending: Pending) -> str:
        """Return the field of the number before, where there is one."""
        return ""

    def touches(self, move: Move) -> list[str]:
        write = self.numbers(move.market)
        return [
            f'{{"u":{best.update_id},"s":"{move.market.listed.symbol}",'
            f'"b":"{write.price(best.bid)}","B":"{write.quantity(best.bid_steps)}",'
            f'"a":"{write.price(best.ask)}","A":"{write.quantity(best.ask_steps)}"}}'
            for best in move.bests
        ]

    def trade(self, move: Move, fill: Fill, kind: str) -> str:
        write = self.numbers(move.market)
        number = f'"t":{fill.number}' if kind == "trade" else f'"a":{fill.number}'
        part = "" if kind == "trade" else f'"f":{fill.number},"l":{fill.number},'
        return (
            f'{{"e":"{kind}","E":{milliseconds(move.at_ns)},"s":"{move.market.listed.symbol}",'
            f'{number},"p":"{write.price(fill.ticks)}","q":"{write.quantity(fill.steps)}",{part}'
            f'"T":{milliseconds(fill.at_ns)},"m":{_word(not fill.is_buy)},"M":true}}'
        )

    def partial(self, market: Market, depth: int) -> str:
        return book_text(self.numbers(market), market, depth)


def book_text(write: Numbers, market: Market, depth: int, *, extra: str = "", age: int = 0) -> str:
    """Return a whole book as HTTP brings it; with an age, that of some numbers ago."""
    update_id = market.last_id - age
    bids, asks = market.book_at(update_id)
    best_bids = write.levels(sorted(bids.items(), reverse=True)[:depth])
    best_asks = write.levels(sorted(asks.items())[:depth])
    return f'{{"lastUpdateId":{update_id},{extra}"bids":{best_bids},"asks":{best_asks}}}'


def _word(value: bool) -> str:
    return "true" if value else "false"


def _error(code: int, message: str, number: int | str | None) -> Frame:
    body = {"error": {"code": code, "msg": message}, "id": number}
    return Frame(msgspec.json.encode(body).decode())


def refused(status: int, code: int, message: str) -> Answer:
    return Answer(msgspec.json.encode({"code": code, "msg": message}).decode(), status)


def market_answer(
    floor: Floor,
    address: Address,
    at_ns: int,
    tell: Callable[[str, Market, int], str | None],
) -> Answer | None:
    """Answer what asks for a symbol; `tell` gets the last word of the path and the limit."""
    last = address.path.rpartition("/")[2]
    if last == "time":
        return Answer(f'{{"serverTime":{milliseconds(at_ns)}}}')
    market = floor.market(address.values.get("symbol", ""), at_ns)
    if market is None:
        return refused(400, -1121, "Invalid symbol.")
    limit = address.values.get("limit", "100")
    if not limit.isdigit():
        return refused(400, -1130, "Data sent for parameter 'limit' is not valid.")
    body = tell(last, market, int(limit))
    return None if body is None else Answer(body)


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/api/v3/depth`, `trades`, `exchangeInfo` and `time`."""
    if address.path.endswith("/exchangeInfo"):
        symbols = ",".join(_symbol(entry) for entry in floor.listed.values())
        return Answer(
            f'{{"timezone":"UTC","serverTime":{milliseconds(at_ns)},"rateLimits":[],'
            f'"exchangeFilters":[],"symbols":[{symbols}]}}'
        )

    def tell(last: str, market: Market, limit: int) -> str | None:
        if last == "depth":
            age, moods.old_snapshots = _older(moods)
            return book_text(Numbers(market.listed, PLACES), market, limit, age=age)
        return trades_text(market, limit) if last == "trades" else None

    return market_answer(floor, address, at_ns, tell)


def _older(moods: Moods) -> tuple[int, int]:
    return (OLDER_BY, moods.old_snapshots - 1) if moods.old_snapshots else (0, 0)


def trades_text(market: Market, limit: int) -> str:
    write = Numbers(market.listed, PLACES)
    rows = [
        f'{{"id":{fill.number},"price":"{write.price(fill.ticks)}",'
        f'"qty":"{write.quantity(fill.steps)}","quoteQty":"0.00000000",'
        f'"time":{milliseconds(fill.at_ns)},"isBuyerMaker":{_word(not fill.is_buy)},'
        f'"isBestMatch":true}}'
        for fill in list(market.tape)[-limit:]
    ]
    return f"[{','.join(rows)}]"


def _symbol(entry: Listed) -> str:
    filters = (
        f'{{"filterType":"PRICE_FILTER","minPrice":"{entry.tick.padded(1, PLACES)}",'
        f'"maxPrice":"1000000.00000000","tickSize":"{entry.tick.padded(1, PLACES)}"}},'
        f'{{"filterType":"LOT_SIZE","minQty":"{entry.step.padded(1, PLACES)}",'
        f'"maxQty":"9000000.00000000","stepSize":"{entry.step.padded(1, PLACES)}"}}'
    )
    return (
        f'{{"symbol":"{entry.symbol}","status":"TRADING","baseAsset":"{entry.base}",'
        f'"baseAssetPrecision":8,"quoteAsset":"{entry.quote}","quotePrecision":8,'
        f'"isSpotTradingAllowed":true,"filters":[{filters}]}}'
    )


SPEAKERS = (
    Speaker(
        feed="binance:spot",
        listed=LISTED,
        socket_hosts=("stream.binance.com", "data-stream.binance.vision"),
        socket_paths=("/stream", "/ws"),
        session=StreamsSession,
        http_hosts=("api.binance.com", "data-api.binance.vision"),
        answer=answer,
    ),
)
