"""One example of each message, as the JSON that goes over the wire.

The rule of this file: data only. They tell one story, so the sequences follow one another and each
checksum is that of the book that a reader of the story holds. Tests decode each into its type.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from shared.feed.asking import (
    Auth,
    Authenticated,
    Closing,
    Error,
    ListChannels,
    Listed,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from shared.feed.contract.account_examples import ACCOUNT_EXAMPLES
from shared.feed.contract.history_examples import HISTORY_EXAMPLES
from shared.feed.contract.short_forms import SubscribeOrderbook, UnsubscribeOrderbook
from shared.feed.markets import Bbo, DepthDelta, DepthSnapshot, Trade, TradesSnapshot
from shared.feed.outside import BookDelta, BookSnapshot, Entry, LogSnapshot, Value

Examples = Mapping[type[Struct], Mapping[str, dict[str, Any]]]  # Type -> title -> message.

ASKING_EXAMPLES: Examples = MappingProxyType(
    {
        Subscribe: {
            "two channels": {
                "op": "subscribe",
                "id": 1,
                "channels": ["depth:TATA_INR", "trades:TATA_INR"],
            },
            "wishes": {
                "op": "subscribe",
                "id": 2,
                "channels": ["bbo:TATA_INR", {"channel": "depth:TATA_INR", "levels": 10}],
                "interval_ms": 250,
            },
            "resume": {
                "op": "subscribe",
                "id": 3,
                "channels": [
                    {"channel": "depth:TATA_INR", "after_sequence": 41},
                    {"channel": "trades:TATA_INR", "after_sequence": 12},
                    {"channel": "account", "after_sequence": 20},
                ],
            },
            "wildcard": {
                "op": "subscribe",
                "id": 4,
                "channels": ["book:bybit:*"],
                "interval_ms": 1000,
                "levels": 5,
            },
        },
        SubscribeOrderbook: {"short form": {"SubscribeOrderbook": "TATA_INR"}},
        Subscribed: {
            "two channels": {
                "op": "subscribed",
                "id": 1,
                "channels": ["depth:TATA_INR", "trades:TATA_INR"],
            },
            "going on": {
                "op": "subscribed",
                "id": 3,
                "channels": ["depth:TATA_INR", "trades:TATA_INR", "account"],
                "resumed": ["depth:TATA_INR", "trades:TATA_INR"],
            },
        },
        Unsubscribe: {
            "one channel": {"op": "unsubscribe", "id": 5, "channels": ["trades:TATA_INR"]}
        },
        UnsubscribeOrderbook: {"short form": {"UnsubscribeOrderbook": "TATA_INR"}},
        Unsubscribed: {
            "one channel": {"op": "unsubscribed", "id": 5, "channels": ["trades:TATA_INR"]},
            "ceased to exist": {
                "op": "unsubscribed",
                "id": None,
                "channels": ["book:bybit:spot:BTC/USDT"],
            },
        },
        ListChannels: {"list": {"op": "list", "id": 6}},
        Listed: {
            "list": {
                "op": "list",
                "id": 6,
                "subscribed": ["depth:TATA_INR"],
                "available": [
                    "account",
                    "bbo:TATA_INR",
                    "depth20:TATA_INR",
                    "depth:TATA_INR",
                    "trades:TATA_INR",
                ],
            }
        },
        Auth: {"access token": {"op": "auth", "id": 7, "token": "eyJhbGciOiJFZERTQSIs..."}},
        Authenticated: {
            "by message": {
                "op": "authenticated",
                "id": 7,
                "account_id": 381580437626449,
                "expires_at_s": 1767226500,
            },
            "by ticket": {
                "op": "authenticated",
                "id": None,
                "account_id": 381580437626449,
                "expires_at_s": 1767226500,
            },
        },
        Ping: {"ping": {"op": "ping", "id": "p1"}},
        Pong: {"pong": {"op": "pong", "id": "p1", "at_ns": 1767225600000000000}},
        Error: {
            "unknown market": {
                "op": "error",
                "id": 8,
                "code": "UNKNOWN_MARKET",
                "message": 'There is no channel "depth:NOPE".',
                "field": "channels[0]",
            }
        },
        Closing: {
            "restart": {
                "op": "closing",
                "code": 1012,
                "reason": "the service restarts",
                "reconnect_after_ms": 1742,
            }
        },
    }
)

MARKET_EXAMPLES: Examples = MappingProxyType(
    {
        DepthSnapshot: {
            "first": {
                "type": "snapshot",
                "channel": "depth:TATA_INR",
                "market": "TATA_INR",
                "sequence": 41,
                "at_ns": 1767225600000000000,
                "bids": [["100", "3"], ["99.95", "1"]],
                "asks": [["100.05", "7"]],
                "crc32": 3703953481,
            },
            "lagged": {
                "type": "snapshot",
                "channel": "depth20:TATA_INR",
                "market": "TATA_INR",
                "sequence": 97,
                "at_ns": 1767225601000000000,
                "bids": [],
                "asks": [["100.05", "7"]],
                "crc32": 2972851132,
                "levels": 20,
                "reason": "lagged",
                "lagged": True,
            },
        },
        DepthDelta: {
            "two commits": {
                "type": "delta",
                "channel": "depth:TATA_INR",
                "market": "TATA_INR",
                "first_sequence": 42,
                "last_sequence": 43,
                "at_ns": 1767225600001000000,
                "bids": [["100", "0"], ["99.9", "2"]],
                "asks": [],
                "crc32": 1143821572,
            }
        },
        Bbo: {
            "both sides": {
                "type": "bbo",
                "channel": "bbo:TATA_INR",
                "market": "TATA_INR",
                "sequence": 43,
                "at_ns": 1767225600001000000,
                "bid_price": "99.95",
                "bid_quantity": "1",
                "ask_price": "100.05",
                "ask_quantity": "7",
            },
            "no bid": {
                "type": "bbo",
                "channel": "bbo:TATA_INR",
                "market": "TATA_INR",
                "sequence": 97,
                "at_ns": 1767225601000000000,
                "bid_price": None,
                "bid_quantity": None,
                "ask_price": "100.05",
                "ask_quantity": "7",
            },
        },
        TradesSnapshot: {
            "first": {
                "type": "snapshot",
                "channel": "trades:TATA_INR",
                "market": "TATA_INR",
                "last_trade_id": 12,
                "trades": [
                    {
                        "trade_id": 12,
                        "price": "100",
                        "quantity": "2",
                        "side": "buy",
                        "at_ns": 1767225599000000000,
                    }
                ],
            }
        },
        Trade: {
            "trade": {
                "type": "trade",
                "channel": "trades:TATA_INR",
                "market": "TATA_INR",
                "trade_id": 13,
                "price": "100",
                "quantity": "1",
                "side": "sell",
                "at_ns": 1767225600001000000,
            }
        },
    }
)

OUTSIDE_EXAMPLES: Examples = MappingProxyType(
    {
        BookSnapshot: {
            "one venue": {
                "type": "snapshot",
                "channel": "book:bybit:spot:BTC/USDT",
                "sequence": 1767225590000042,
                "at_ns": 1767225600000000000,
                "bids": [["97000.1", "0.52"], ["97000", "1.3"]],
                "asks": [["97000.2", "0.08"]],
                "crc32": 1807729371,
                "levels": 5,
                "info": {"verified": True},
            },
            "several venues": {
                "type": "snapshot",
                "channel": "book:consolidated:BTC/USDT",
                "sequence": 1767225590000007,
                "at_ns": 1767225600000000000,
                "bids": [["97000.1", "0.9", "bybit:0.52", "okx:0.38"]],
                "asks": [["97000.2", "0.08", "bybit:0.08"]],
                "crc32": 3378453383,
                "levels": 5,
            },
        },
        BookDelta: {
            "delta": {
                "type": "delta",
                "channel": "book:bybit:spot:BTC/USDT",
                "first_sequence": 1767225590000043,
                "last_sequence": 1767225590000061,
                "at_ns": 1767225601000000000,
                "bids": [["97000.1", "0.47"]],
                "asks": [["97000.2", "0"], ["97000.3", "2"]],
                "crc32": 874839190,
            }
        },
        Value: {
            title: message
            for examples in HISTORY_EXAMPLES.values()
            for title, message in examples.items()
        },
        LogSnapshot: {
            "trades of a venue": {
                "type": "snapshot",
                "channel": "trades:bybit:spot:BTC/USDT",
                "sequence": 1767225590000077,
                "entries": [
                    {
                        "sequence": 1767225590000077,
                        "at_ns": 1767225599000000000,
                        "data": {"price": "97000.1", "quantity": "0.05", "side": "sell"},
                    }
                ],
            }
        },
        Entry: {
            "trade of a venue": {
                "type": "entry",
                "channel": "trades:bybit:spot:BTC/USDT",
                "sequence": 1767225590000078,
                "at_ns": 1767225600000000000,
                "data": {"price": "97000.2", "quantity": "0.01", "side": "buy"},
            }
        },
    }
)

EXAMPLES: Examples = MappingProxyType(
    {**ASKING_EXAMPLES, **MARKET_EXAMPLES, **OUTSIDE_EXAMPLES, **ACCOUNT_EXAMPLES}
)
