"""One example of each thing that the history says live, as the message that a client gets.

The rule of this file: data only; the shapes of `data` are those of `shared.feed.history`. They go
on with the story of the others: the trade 13 at 100 came in the second that begins then.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from shared.feed.history import LiveKline, LiveTicker, LiveTickers

_TICKER: dict[str, Any] = {
    "market": "TATA_INR",
    "open_at_ns": 1767139200001000000,
    "close_at_ns": 1767225600001000000,
    "open_price": "101.5",
    "high_price": "102",
    "low_price": "99.9",
    "last_price": "100",
    "last_quantity": "1",
    "previous_close": "101",
    "change": "-1.5",
    "change_ppm": -14778,
    "average_price": "100.8692",
    "volume": "13",
    "quote_volume": "1311.3",
    "taker_buy_volume": "8",
    "taker_buy_quote_volume": "808.2",
    "trades": 9,
    "first_trade_id": 5,
    "last_trade_id": 13,
}
_DRAWN: dict[str, Any] = {
    "open_at_ns": 1767225600000000000,
    "close_at_ns": 1767225601000000000,
    "open": "100",
    "high": "100",
    "low": "100",
    "close": "100",
    "volume": "1",
    "quote_volume": "100",
    "trades": 1,
    "taker_buy_volume": "0",
    "taker_buy_quote_volume": "0",
    "first_trade_id": 13,
    "last_trade_id": 13,
    "is_closed": False,
}
_EMPTY: dict[str, Any] = _DRAWN | {
    "open_at_ns": 1767225601000000000,
    "close_at_ns": 1767225602000000000,
    "volume": "0",
    "quote_volume": "0",
    "trades": 0,
    "first_trade_id": None,
    "last_trade_id": None,
}


_TRADED_NS, _LATER_NS = 1767225600001000000, 1767225601000000000
_BEFORE: dict[str, Any] = {"sequence": 2210, "at_ns": _TRADED_NS}
_AFTER: dict[str, Any] = {"sequence": 2210, "at_ns": _LATER_NS}

# What `data` is, and the messages.
HISTORY_EXAMPLES: Mapping[type[Struct], Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        LiveTicker: {
            "ticker": {
                "type": "value",
                "channel": "ticker:TATA_INR",
                "sequence": 1767225590000310,
                "at_ns": _TRADED_NS,
                "data": _TICKER | {"sequence": 2210},
            }
        },
        LiveTickers: {
            "tickers": {
                "type": "value",
                "channel": "tickers",
                "sequence": 1767225590000077,
                "at_ns": _TRADED_NS,
                "data": {"tickers": [_TICKER], **_BEFORE, "left_out": 0},
            }
        },
        LiveKline: {
            "candle that is being drawn": {
                "type": "value",
                "channel": "klines:TATA_INR:1s",
                "sequence": 1767225590000041,
                "at_ns": _TRADED_NS,
                "data": _DRAWN | _BEFORE,
            },
            "candle that has closed": {
                "type": "value",
                "channel": "klines:TATA_INR:1s",
                "sequence": 1767225590000042,
                "at_ns": _LATER_NS,
                "data": _DRAWN | {"is_closed": True} | _AFTER,
            },
            "candle without trades": {
                "type": "value",
                "channel": "klines:TATA_INR:1s",
                "sequence": 1767225590000043,
                "at_ns": _LATER_NS,
                "data": _EMPTY | _AFTER,
            },
        },
    }
)
