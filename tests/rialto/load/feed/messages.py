"""Messages of a broadcaster, for the tests of this room."""

import msgspec

from shared.feed import (
    DepthDelta,
    DepthSnapshot,
    Level,
    RecentTrade,
    Subscribed,
    Trade,
    TradesSnapshot,
    book_crc32,
)

DEPTH, TRADES, MARKET = "depth:A_B", "trades:A_B", "A_B"


def depth_snapshot(sequence: int, *bids: Level) -> bytes:
    return msgspec.json.encode(
        DepthSnapshot(
            channel=DEPTH,
            market=MARKET,
            sequence=sequence,
            at_ns=0,
            bids=list(bids),
            asks=[],
            crc32=book_crc32(bids, []),
        )
    )


def depth_delta(first: int, last: int, *bids: Level, crc32: int = 0) -> bytes:
    return msgspec.json.encode(
        DepthDelta(
            channel=DEPTH,
            market=MARKET,
            first_sequence=first,
            last_sequence=last,
            at_ns=0,
            bids=list(bids),
            asks=[],
            crc32=crc32,
        )
    )


def trades_snapshot(last_trade_id: int) -> bytes:
    recent = RecentTrade(last_trade_id, "1", "1", "buy", 0)
    return msgspec.json.encode(
        TradesSnapshot(channel=TRADES, market=MARKET, last_trade_id=last_trade_id, trades=[recent])
    )


def trade(trade_id: int) -> bytes:
    return msgspec.json.encode(
        Trade(
            channel=TRADES,
            market=MARKET,
            trade_id=trade_id,
            price="1",
            quantity="1",
            side="buy",
            at_ns=0,
        )
    )


def subscribed() -> bytes:
    return msgspec.json.encode(Subscribed(1, [DEPTH]))
