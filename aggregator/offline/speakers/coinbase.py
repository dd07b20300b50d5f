"""How Coinbase Advanced Trade speaks.

The rule of this file: as in the documents advanced-trade-apis/websocket and in recorded frames. All
frames of a connection are counted together; a trade's side is the maker's; what is asked for in
USDC is told of in USD.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from aggregator.offline.grain import Grain
from aggregator.offline.market import Fill, Listed, Market, Move
from aggregator.offline.stamps import iso
from aggregator.offline.words import (
    CLOSE_NORMAL,
    Address,
    Answer,
    Close,
    Floor,
    Frame,
    Moods,
    Session,
    Speaker,
)
from aggregator.protocol.manifest import NS_A_S, Kind

TICKS = {
    "BTC": ("0.01", "0.00000001"),
    "ETH": ("0.01", "0.00000001"),
    "SOL": ("0.01", "0.00000001"),
    "XRP": ("0.0001", "0.000001"),
    "BNB": ("0.01", "0.00000001"),
    "DOGE": ("0.00001", "0.1"),
    "ADA": ("0.0001", "0.00000001"),
    "LTC": ("0.01", "0.00000001"),
    "LINK": ("0.001", "0.01"),
    "AVAX": ("0.001", "0.00000001"),
}
LISTED = tuple(
    Listed(f"{base}-{quote}", base, quote, Grain(tick), Grain(step))
    for base, (tick, step) in TICKS.items()
    for quote in ("USD", "USDT")
)
CHANNELS = {"level2", "market_trades", "heartbeats", "ticker", "status"}
HISTORY = 100  # Trades in the snapshot of a subscription to them.
NO_PAGES = '{"prev_cursor":"","next_cursor":"","has_next":false,"has_prev":false}'
SUBSCRIBE_WITHIN_NS = 5 * NS_A_S
SILENCE_NS = 75 * NS_A_S  # Without heartbeats; the documents say 60 to 90 s.


class Heard(msgspec.Struct):
    """What a client says."""

    type: str = ""
    channel: str = ""
    product_ids: list[str] = []


def delivered(product: str) -> str:
    """Return the name under which a product is told of: the book of USDC is that of USD."""
    return product.removesuffix("C") if product.endswith("-USDC") else product


@dataclass
class CoinbaseSession(Session):
    """One connection, with its products by channel and the count of its frames."""

    products: dict[str, list[str]] = field(default_factory=dict, init=False)
    count: int = field(default=0, init=False)
    beats: int = field(default=0, init=False)
    told_at_ns: int = field(default=0, init=False)

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (_refused("failed to parse message"),)
        if heard.type not in {"subscribe", "unsubscribe"} or self.moods.is_refusing:
            return (_refused("authentication failure"),)
        if heard.channel not in CHANNELS:
            return (_refused(f"channel {heard.channel} is not supported"),)
        for product in heard.product_ids:
            if self.floor.market(delivered(product), at_ns) is None:
                return (_refused(f"{product} is not a valid product"),)
        return self._switch(heard, at_ns)

    def _switch(self, heard: Heard, at_ns: int) -> Sequence[Frame]:
        held = self.products.get(heard.channel, [])
        frames: list[Frame] = []
        if heard.type == "unsubscribe":
            left = [name for name in held if name not in heard.product_ids]
            self.products[heard.channel] = left
            if not left:
                del self.products[heard.channel]
        else:
            self.products[heard.channel] = list(dict.fromkeys([*held, *heard.product_ids]))
            for product in heard.product_ids:
                frames += self._begin(heard.channel, delivered(product), at_ns)
        body = msgspec.json.encode({"subscriptions": self.products}).decode()
        return (*frames, Frame(self._event("subscriptions", at_ns, body)))

    def _begin(self, channel: str, product: str, at_ns: int) -> Sequence[Frame]:
        market = self.floor.market(product, at_ns)
        assert market is not None, "only known products are taken"
        if channel == "level2":
            everything = len(market.bids.keys) + len(market.asks.keys)
            bids, asks = market.bids.best(everything), market.asks.best(everything)
            body = self._levels("snapshot", market, bids, asks)
            text = self._event("l2_data", market.at_ns, body)
            return (Frame(text, Kind.BOOK, product),)
        if channel == "market_trades":
            fills = list(market.tape)[-HISTORY:][::-1]
            body = self._trades("snapshot", market, fills)
            return (Frame(self._event("market_trades", at_ns, body), Kind.TRADES, product),)
        return ()

    def wanted(self) -> set[str]:
        held = (self.products.get(channel, ()) for channel in ("level2", "market_trades"))
        return {delivered(product) for products in held for product in products}

    def moved(self, move: Move) -> Sequence[Frame]:
        market, product = move.market, move.market.listed.symbol
        frames: list[Frame] = []
        if self._has("level2", product):
            bids = [item for item in move.bids.items() if item[1] or move.bids_before[item[0]]]
            asks = [item for item in move.asks.items() if item[1] or move.asks_before[item[0]]]
            body = self._levels("update", market, bids, asks)
            frames.append(Frame(self._event("l2_data", move.at_ns, body), Kind.BOOK, product))
        if move.fills and self._has("market_trades", product):
            body = self._trades("update", market, move.fills[::-1])
            text = self._event("market_trades", move.at_ns, body)
            frames.append(Frame(text, Kind.TRADES, product))
        return frames

    def _has(self, channel: str, product: str) -> bool:
        return any(delivered(name) == product for name in self.products.get(channel, ()))

    def beat(self, at_ns: int) -> Sequence[Frame]:
        if "heartbeats" in self.products:
            self.beats += 1
            # The venue writes this time in a form of its own, as recorded.
            now = iso(at_ns, 9).replace("T", " ").removesuffix("Z")
            body = (
                f'{{"current_time":"{now} +0000 UTC m=+{self.beats}.000000001",'
                f'"heartbeat_counter":{self.beats}}}'
            )
            return (Frame(self._event("heartbeats", at_ns, body)),)
        patience = SILENCE_NS if self.products else SUBSCRIBE_WITHIN_NS
        if at_ns - max(self.told_at_ns, self.opened_at_ns) > patience:
            self.close = Close(CLOSE_NORMAL)
        return ()

    def _event(self, channel: str, at_ns: int, body: str) -> str:
        number, self.count = self.count, self.count + 1
        self.told_at_ns = at_ns
        return (
            f'{{"channel":"{channel}","timestamp":"{iso(at_ns, 9)}","sequence_num":{number},'
            f'"events":[{body}]}}'
        )

    def _levels(
        self,
        kind: str,
        market: Market,
        bids: Sequence[tuple[int, int]],
        asks: Sequence[tuple[int, int]],
    ) -> str:
        tick, step = market.listed.tick.short, market.listed.step.short
        stamp = iso(market.at_ns, 6)
        rows = ",".join(
            f'{{"side":"{side}","event_time":"{stamp}","price_level":"{tick(abs(key))}",'
            f'"new_quantity":"{step(left) if left else 0}"}}'
            for side, levels in (("bid", bids), ("offer", asks))
            for key, left in levels
        )
        return f'{{"type":"{kind}","product_id":"{market.listed.symbol}","updates":[{rows}]}}'

    def _trades(self, kind: str, market: Market, fills: Sequence[Fill]) -> str:
        rows = ",".join(_trade(market, fill) for fill in fills)
        return f'{{"type":"{kind}","trades":[{rows}]}}'


def _trade(market: Market, fill: Fill) -> str:
    tick, step = market.listed.tick.short, market.listed.step.short
    side = "SELL" if fill.is_buy else "BUY"  # The maker's.
    return (
        f'{{"product_id":"{market.listed.symbol}","trade_id":"{fill.number}",'
        f'"price":"{tick(fill.ticks)}","size":"{step(fill.steps)}",'
        f'"time":"{iso(fill.at_ns, 6)}","side":"{side}"}}'
    )


def _refused(message: str) -> Frame:
    return Frame(msgspec.json.encode({"type": "error", "message": message}).decode())


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/api/v3/brokerage/market/products`, `.../<product>/ticker` and `/time`."""
    words = address.path.strip("/").split("/")
    if words[-1] == "time":
        return Answer(
            f'{{"iso":"{iso(at_ns, 3)}","epochSeconds":"{at_ns // NS_A_S}",'
            f'"epochMillis":"{at_ns // 1_000_000}"}}'
        )
    if words[-1] == "products":
        rows = [_product(entry, entry.quote) for entry in floor.listed.values()]
        rows += [_product(entry, "USDC") for entry in floor.listed.values() if entry.quote == "USD"]
        return Answer(
            f'{{"products":[{",".join(rows)}],"num_products":{len(rows)},"pagination":{NO_PAGES}}}'
        )
    market = floor.market(delivered(words[-2]), at_ns)
    if market is None or words[-1] != "ticker":
        return Answer('{"error":"NOT_FOUND","error_details":"valid product_id is required"}', 404)
    fills = list(market.tape)[-int(address.values.get("limit", HISTORY)) :][::-1]
    best, tick = market.best(), market.listed.tick.short
    rows = [_trade(market, fill) for fill in fills]
    return Answer(
        f'{{"trades":[{",".join(rows)}],"best_bid":"{tick(best.bid)}",'
        f'"best_ask":"{tick(best.ask)}"}}'
    )


def _product(entry: Listed, quote: str) -> str:
    alias = "" if quote != "USDC" else f"{entry.base}-USD"
    return (
        f'{{"product_id":"{entry.base}-{quote}","base_increment":"{entry.step.text}",'
        f'"quote_increment":"{entry.tick.text}","price_increment":"{entry.tick.text}",'
        f'"base_currency_id":"{entry.base}","quote_currency_id":"{quote}",'
        f'"base_display_symbol":"{entry.base}","quote_display_symbol":"{quote}",'
        f'"status":"online","trading_disabled":false,"is_disabled":false,"product_type":"SPOT",'
        f'"alias":"{alias}"}}'
    )


SPEAKERS = (
    Speaker(
        feed="coinbase:spot",
        listed=LISTED,
        socket_hosts=("advanced-trade-ws.coinbase.com",),
        socket_paths=("",),
        session=CoinbaseSession,
        http_hosts=("api.coinbase.com",),
        answer=answer,
    ),
)
