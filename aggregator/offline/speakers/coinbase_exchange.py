"""How Coinbase Exchange speaks, the public feed.

The rule of this file: as in the documents exchange/websocket-feed. Changes of a book have no
number; a trade's side is the maker's; the whole book by level2 needs a login, level2_batch does
not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aggregator.offline.market import Fill, Listed, Market, Move
from aggregator.offline.speakers.coinbase import LISTED
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

CHANNELS = {"level2_batch", "matches", "heartbeat", "ticker"}
SUBSCRIBE_WITHIN_NS = 5 * NS_A_S


class Heard(msgspec.Struct):
    """What a client says."""

    type: str = ""
    product_ids: list[str] = []
    channels: list[str] = []


@dataclass
class ExchangeSession(Session):
    """One connection, with its products by channel."""

    products: dict[str, list[str]] = field(default_factory=dict, init=False)
    beats: int = field(default=0, init=False)

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return (_error("Failed to subscribe", "malformed JSON"),)
        if heard.type not in {"subscribe", "unsubscribe"} or self.moods.is_refusing:
            return (_error("Failed to subscribe", "Type is not supported"),)
        reason = self._fault(heard, at_ns)
        if reason:
            return (_error("Failed to subscribe", reason),)
        frames: list[Frame] = []
        for channel in heard.channels:
            frames += self._switch(heard, channel, at_ns)
        channels = [
            {"name": name, "product_ids": products} for name, products in self.products.items()
        ]
        return (_frame({"type": "subscriptions", "channels": channels}), *frames)

    def _fault(self, heard: Heard, at_ns: int) -> str:
        for channel in heard.channels:
            if channel in {"level2", "level3", "full"}:
                return f"{channel} requires authentication"
            if channel not in CHANNELS:
                return f"{channel} is not a valid channel"
        for product in heard.product_ids:
            if self.floor.market(product, at_ns) is None:
                return f"{product} is not a valid product"
        return ""

    def _switch(self, heard: Heard, channel: str, at_ns: int) -> Sequence[Frame]:
        held = self.products.get(channel, [])
        if heard.type == "unsubscribe":
            self.products[channel] = [name for name in held if name not in heard.product_ids]
            return ()
        self.products[channel] = list(dict.fromkeys([*held, *heard.product_ids]))
        frames: list[Frame] = []
        for product in heard.product_ids:
            market = self.floor.market(product, at_ns)
            assert market is not None, "only known products are taken"
            if channel == "level2_batch":
                frames.append(Frame(_snapshot(market), Kind.BOOK, product))
            elif channel == "matches":
                text = _match("last_match", market, market.tape[-1])
                frames.append(Frame(text, Kind.TRADES, product))
        return frames

    def wanted(self) -> set[str]:
        held = (self.products.get(channel, ()) for channel in ("level2_batch", "matches"))
        return {product for products in held for product in products}

    def moved(self, move: Move) -> Sequence[Frame]:
        market, product = move.market, move.market.listed.symbol
        frames: list[Frame] = []
        if product in self.products.get("level2_batch", ()):
            frames.append(Frame(_update(move), Kind.BOOK, product))
        if product in self.products.get("matches", ()):
            frames += [
                Frame(_match("match", market, fill), Kind.TRADES, product) for fill in move.fills
            ]
        return frames

    def beat(self, at_ns: int) -> Sequence[Frame]:
        if not self.products and at_ns - self.opened_at_ns > SUBSCRIBE_WITHIN_NS:
            self.close = Close(CLOSE_NORMAL)
        self.beats += 1
        return [
            _frame(
                {
                    "type": "heartbeat",
                    "last_trade_id": self.floor.markets[product].tape[-1].number,
                    "product_id": product,
                    "sequence": self.floor.markets[product].last_id,
                    "time": iso(at_ns, 6),
                }
            )
            for product in self.products.get("heartbeat", ())
        ]


def _frame(body: dict[str, Any]) -> Frame:
    return Frame(msgspec.json.encode(body).decode())


def _error(message: str, reason: str) -> Frame:
    return _frame({"type": "error", "message": message, "reason": reason})


def _pairs(market: Market, levels: Sequence[tuple[int, int]]) -> list[tuple[str, str]]:
    listed = market.listed
    return [(listed.tick.short(abs(key)), listed.step.short(left)) for key, left in levels]


def _snapshot(market: Market) -> str:
    everything = len(market.bids.keys) + len(market.asks.keys)
    return _frame(
        {
            "type": "snapshot",
            "product_id": market.listed.symbol,
            "asks": _pairs(market, market.asks.best(everything)),
            "bids": _pairs(market, market.bids.best(everything)),
            "time": iso(market.at_ns, 6),
        }
    ).text


def _update(move: Move) -> str:
    market = move.market
    changes = [("buy", *pair) for pair in _pairs(market, list(move.bids.items()))]
    changes += [("sell", *pair) for pair in _pairs(market, list(move.asks.items()))]
    return _frame(
        {
            "type": "l2update",
            "product_id": market.listed.symbol,
            "changes": changes,
            "time": iso(move.at_ns, 6),
        }
    ).text


def _trade(listed: Listed, fill: Fill) -> dict[str, Any]:
    return {
        "trade_id": fill.number,
        "side": "sell" if fill.is_buy else "buy",  # The maker's.
        "size": listed.step.fixed(fill.steps),
        "price": listed.tick.fixed(fill.ticks),
        "time": iso(fill.at_ns, 6),
    }


def _match(kind: str, market: Market, fill: Fill) -> str:
    return _frame(
        {
            "type": kind,
            "maker_order_id": f"5eed0000-0000-4000-8000-{fill.update_id:012x}",
            "taker_order_id": f"5eed0000-0000-4000-9000-{fill.update_id:012x}",
            **_trade(market.listed, fill),
            "product_id": market.listed.symbol,
            "sequence": fill.update_id,
        }
    ).text


def answer(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """Answer `/products`, `/products/<product>/trades` and `/time`."""
    words = address.path.strip("/").split("/")
    if words == ["time"]:
        return Answer(_frame({"iso": iso(at_ns, 3), "epoch": at_ns // NS_A_S}).text)
    if words == ["products"]:
        rows = [
            {
                "id": entry.symbol,
                "base_currency": entry.base,
                "quote_currency": entry.quote,
                "quote_increment": entry.tick.text,
                "base_increment": entry.step.text,
                "status": "online",
            }
            for entry in floor.listed.values()
        ]
        return Answer(msgspec.json.encode(rows).decode())
    market = floor.market(words[1], at_ns) if len(words) == 3 else None
    if market is None:
        return Answer('{"message":"NotFound"}', 404)
    if words[2] != "trades":
        return None
    newest = list(market.tape)[-int(address.values.get("limit", "1000")) :][::-1]
    return Answer(msgspec.json.encode([_trade(market.listed, fill) for fill in newest]).decode())


SPEAKERS = (
    Speaker(
        feed="coinbase-exchange:spot",
        listed=LISTED,
        socket_hosts=("ws-feed.exchange.coinbase.com",),
        socket_paths=("",),
        session=ExchangeSession,
        http_hosts=("api.exchange.coinbase.com",),
        answer=answer,
    ),
)
