"""How Binance's USD-M futures speak.

The rule of this file: as in the documents of the derivatives' market streams and in recorded
frames. Books and trades are on sockets of two classes, each of which silently brings nothing of
the other's; numbers have the decimals of the symbol, and those of a book leave gaps.
"""

from aggregator.offline.grain import Grain
from aggregator.offline.market import Fill, Listed, Market, Move
from aggregator.offline.speakers.binance_spot import (
    OLDER_BY,
    Numbers,
    Pending,
    StreamsSession,
    book_text,
    market_answer,
)
from aggregator.offline.stamps import milliseconds
from aggregator.offline.words import Address, Answer, Floor, Moods, Speaker

TICKS = {
    "BTC": ("0.10", "0.001"),
    "ETH": ("0.01", "0.001"),
    "SOL": ("0.0100", "0.01"),
    "XRP": ("0.0001", "0.1"),
    "BNB": ("0.010", "0.01"),
    "DOGE": ("0.000010", "1"),
    "ADA": ("0.00010", "1"),
    "LTC": ("0.01", "0.001"),
    "LINK": ("0.001", "0.01"),
    "AVAX": ("0.0010", "1"),
}
LISTED = tuple(
    Listed(f"{base}{quote}", base, quote, Grain(tick), Grain(step))
    for base, (tick, step) in TICKS.items()
    for quote in ("USDT", "USDC")
)
CLASSES = {
    "/public": {"depth", "rpiDepth", "bookTicker", "trade", "depth5", "depth10", "depth20"},
    "/market": {"aggTrade", "kline", "markPrice", "ticker", "forceOrder"},
}
INTERVALS_MS = {"": 250, "500ms": 500, "250ms": 250, "100ms": 100, "0ms": 0}
ID_GAP = 120  # The numbers are counted over all books.


class FuturesSession(StreamsSession):
    """The streams of one of the two classes."""

    intervals_ms = INTERVALS_MS
    places = 0

    def carries(self, kind: str) -> bool:
        return any(
            self.address.path.startswith(begin) and kind in kinds
            for begin, kinds in CLASSES.items()
        )

    def carries_recorded(self, text: str) -> bool:
        # Recordings from before the two classes have both in one.
        stream = text.partition('"stream":"')[2].partition('"')[0]
        return not stream or self.carries(stream.split("@")[1])

    def matched(self, at_ns: int) -> str:
        return f'"T":{milliseconds(at_ns)},'

    def link(self, pending: Pending) -> str:
        return f'"pu":{pending.previous_id},'

    def touches(self, move: Move) -> list[str]:
        stamp = milliseconds(move.at_ns)
        return [
            f'{{"e":"bookTicker",{text[1:-1]},"T":{stamp},"E":{stamp}}}'
            for text in super().touches(move)
        ]

    def trade(self, move: Move, fill: Fill, kind: str) -> str:
        write = self.numbers(move.market)
        maker = "false" if fill.is_buy else "true"
        numbers = f'"p":"{write.price(fill.ticks)}","q":"{write.quantity(fill.steps)}"'
        symbol, at_ms = move.market.listed.symbol, milliseconds(fill.at_ns)
        if kind == "trade":
            return (
                f'{{"e":"trade","E":{at_ms},"T":{at_ms},"s":"{symbol}","t":{fill.number},'
                f'{numbers},"X":"MARKET","m":{maker}}}'
            )
        return (
            f'{{"e":"aggTrade","E":{at_ms},"a":{fill.number},"s":"{symbol}",{numbers},'
            f'"f":{fill.number},"l":{fill.number},"T":{at_ms},"m":{maker}}}'
        )

    def partial(self, market: Market, depth: int) -> str:
        write = self.numbers(market)
        at_ms = milliseconds(market.at_ns)
        return (
            f'{{"e":"depthUpdate","E":{at_ms},"T":{at_ms},"s":"{market.listed.symbol}",'
            f'"U":{market.last_id},"u":{market.last_id},"pu":{market.last_id - 1},'
            f'"b":{write.levels(market.bids.best(depth))},'
            f'"a":{write.levels(market.asks.best(depth))}}}'
        )


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/fapi/v1/depth`, `trades`, `aggTrades`, `exchangeInfo` and `time`."""
    if address.path.endswith("/exchangeInfo"):
        symbols = ",".join(_symbol(entry) for entry in floor.listed.values())
        return Answer(
            f'{{"timezone":"UTC","serverTime":{milliseconds(at_ns)},"futuresType":"U_MARGINED",'
            f'"rateLimits":[],"exchangeFilters":[],"assets":[],"symbols":[{symbols}]}}'
        )

    def tell(last: str, market: Market, limit: int) -> str | None:
        if last == "depth":
            age = OLDER_BY * ID_GAP if moods.old_snapshots else 0
            moods.old_snapshots -= bool(age)
            at_ms = milliseconds(market.at_ns)
            extra = f'"E":{at_ms},"T":{at_ms},'
            return book_text(Numbers(market.listed, 0), market, limit, extra=extra, age=age)
        tapes = {"trades": _trade, "aggTrades": _aggregate}
        if last not in tapes:
            return None
        write = Numbers(market.listed, 0)
        rows = [tapes[last](write, fill) for fill in list(market.tape)[-limit:]]
        return f"[{','.join(rows)}]"

    return market_answer(floor, address, at_ns, tell)


def _trade(write: Numbers, fill: Fill) -> str:
    return (
        f'{{"id":{fill.number},"price":"{write.price(fill.ticks)}",'
        f'"qty":"{write.quantity(fill.steps)}","quoteQty":"0.00",'
        f'"time":{milliseconds(fill.at_ns)},"isBuyerMaker":{"false" if fill.is_buy else "true"}}}'
    )


def _aggregate(write: Numbers, fill: Fill) -> str:
    return (
        f'{{"a":{fill.number},"p":"{write.price(fill.ticks)}","q":"{write.quantity(fill.steps)}",'
        f'"f":{fill.number},"l":{fill.number},"T":{milliseconds(fill.at_ns)},'
        f'"m":{"false" if fill.is_buy else "true"}}}'
    )


def _symbol(entry: Listed) -> str:
    return (
        f'{{"symbol":"{entry.symbol}","pair":"{entry.symbol}","contractType":"PERPETUAL",'
        f'"status":"TRADING","baseAsset":"{entry.base}","quoteAsset":"{entry.quote}",'
        f'"marginAsset":"{entry.quote}","pricePrecision":{entry.tick.places},'
        f'"quantityPrecision":{entry.step.places},"filters":['
        f'{{"filterType":"PRICE_FILTER","minPrice":"{entry.tick.text}","maxPrice":"1000000",'
        f'"tickSize":"{entry.tick.text}"}},'
        f'{{"filterType":"LOT_SIZE","minQty":"{entry.step.text}","maxQty":"1000000",'
        f'"stepSize":"{entry.step.text}"}}]}}'
    )


SPEAKERS = (
    Speaker(
        feed="binance:linear",
        listed=LISTED,
        socket_hosts=("fstream.binance.com",),
        socket_paths=tuple(CLASSES),
        session=FuturesSession,
        http_hosts=("fapi.binance.com",),
        answer=answer,
        id_gap=ID_GAP,
    ),
)
