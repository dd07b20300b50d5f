"""One example of each message about outside exchanges, as it stands in `data` or `info`.

The rule of this file: data only. A test reads each as its type, and finds each on the page.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from shared.messages import (
    AggregatorMetrics,
    ConsolidatedBook,
    OutsideBbo,
    OutsideBook,
    OutsidePrice,
    OutsideTrade,
    Signals,
    VenueStatus,
)

AT_NS = 1_767_225_600_000_000_000
SINCE_NS = 1_767_225_590_000_000_000
KRAKEN, COINBASE = "kraken:spot:BTC/USD", "coinbase:spot:BTC/USD"

# Where it is found, and the message.
OUTSIDE_DATA: Mapping[type[Struct], tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        OutsideBook: (
            "the `info` of `book:<book>`",
            {
                "kind": "book",
                "at_ns": AT_NS,
                "book": KRAKEN,
                "state": "live",
                "since_ns": SINCE_NS,
                "reason": "",
                "trusted_bid": "64990.1",
                "trusted_ask": "65010.4",
                "venue_sequence": 0,
                "venue_at_ns": AT_NS - 12_000_000,
                "evidence": "checksum",
                "verified": 4711,
                "mismatched": 0,
            },
        ),
        OutsideBbo: (
            "the `data` of `bbo:<book>`",
            {
                "kind": "bbo",
                "at_ns": AT_NS,
                "book": KRAKEN,
                "state": "live",
                "bid": "64999.9",
                "bid_quantity": "0.25",
                "ask": "65000",
                "ask_quantity": "1.5",
                "venue_at_ns": AT_NS - 12_000_000,
            },
        ),
        OutsidePrice: (
            "the `data` of `price:<book>`",
            {
                "kind": "price",
                "at_ns": AT_NS,
                "book": KRAKEN,
                "price": "65000",
                "quantity": "0.02",
                "taker_side": "buy",
                "venue_at_ns": AT_NS - 12_000_000,
            },
        ),
        OutsideTrade: (
            "an entry's `data` of `trades:<book>` and `trades:consolidated:<symbol>`",
            {
                "kind": "trade",
                "at_ns": AT_NS,
                "book": KRAKEN,
                "trade_id": "599212302",
                "price": "65000",
                "quantity": "0.02",
                "taker_side": "buy",
                "venue_at_ns": AT_NS - 12_000_000,
                "is_recovered": False,
            },
        ),
        VenueStatus: (
            "the `data` of `status:<venue>`",
            {
                "kind": "status",
                "at_ns": AT_NS,
                "venue": "kraken",
                "state": "resync",
                "since_ns": SINCE_NS,
                "reason": "The checksum is another one.",
                "feeds": [
                    {
                        "feed": "kraken:spot",
                        "state": "resync",
                        "since_ns": SINCE_NS,
                        "reason": "The checksum is another one.",
                        "books": [
                            {
                                "book": KRAKEN,
                                "state": "resync",
                                "since_ns": SINCE_NS,
                                "reason": "The checksum is another one.",
                            }
                        ],
                    }
                ],
            },
        ),
        ConsolidatedBook: (
            "the `info` of `book:consolidated:<symbol>`",
            {
                "kind": "consolidated",
                "at_ns": AT_NS,
                "symbol": "BTC/USD",
                "books": [COINBASE],
                "left_out": [
                    {
                        "book": KRAKEN,
                        "state": "resync",
                        "since_ns": SINCE_NS,
                        "reason": "The checksum is another one.",
                    }
                ],
                "taker_fees_ppm": [12000],
                "bid": "64999.98",
                "ask": "65000.01",
                "trusted_bid": "",
                "trusted_ask": "",
                "bid_after_fees": "64219.98024",
                "ask_after_fees": "65780.01012",
                "bid_after_fees_book": COINBASE,
                "ask_after_fees_book": COINBASE,
                "is_locked": False,
                "is_crossed": False,
                "opportunities": [],
            },
        ),
        Signals: (
            "the `data` of `signals:<book>`",
            {
                "kind": "signals",
                "at_ns": AT_NS,
                "book": KRAKEN,
                "state": "live",
                "values": {
                    "cumulative_delta": {
                        "delta": "0.5",
                        "bought": "1.9",
                        "sold": "1.4",
                        "since_ns": SINCE_NS,
                    }
                },
            },
        ),
        AggregatorMetrics: (
            "the `data` of `metrics`",
            {
                "kind": "metrics",
                "at_ns": AT_NS,
                "producer": "aggregator",
                "parts": {"process": {"resident_memory_bytes": 80000000, "cpu_permille": 110}},
            },
        ),
    }
)
