"""A venue of the tests: its messages are the shortest that can be told apart.

The rule of this file: plain functions, so that another process can call them, too.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggregator.protocol import (
    BookUpdate,
    Chain,
    Evidence,
    FrameError,
    Manifest,
    Pulse,
    Rest,
    SnapshotFrom,
    Socket,
    Update,
)
from aggregator.protocol.manifest import Kind

SOCKET = Socket(
    name="public",
    url="wss://stream.fake.example:9443/ws",
    kinds=(Kind.BOOK, Kind.TRADES),
    topics_max=10,
    messages_per_s_max=1_000,
)


def socket(**fields: Any) -> Socket:
    """Return the venue's class of connections with some other facts."""
    return msgspec.structs.replace(SOCKET, **fields)


def manifest(venue: str = "fake", **fields: Any) -> Manifest:
    """Return the facts of a venue that is in no hurry; `fields` are other ones."""
    facts: dict[str, Any] = {
        "venue": venue,
        "market_type": "spot",
        "documents": (),
        "checked_on": "2026-11-21",
        "sockets": (SOCKET,),
        "rest": Rest(weight_per_minute_max=60_000, used_weight_header="x-used-weight"),
        "chain": Chain.NONE,
        "snapshot_from": SnapshotFrom.STREAM,
        "evidence": Evidence.NONE,
        "silence_s": 60,
        "stale_s": 60,
        "stale_reason": "of the tests",
        "connects_per_5_minutes_max": 10_000,
        "symbols_default": ("BTC/USD",),
    }
    return Manifest(**{**facts, **fields})


def parse_message(frame: bytes, _at_ns: int) -> Sequence[Update]:
    """Read `{"bids": [...]}` as a book, and anything else in JSON as a pulse."""
    try:
        said = msgspec.json.decode(frame)
    except msgspec.DecodeError as error:
        raise FrameError(str(error)) from error
    if isinstance(said, dict) and "bids" in said:
        bids = [(price, quantity) for price, quantity in said["bids"]]
        return [Pulse(), BookUpdate(symbol="BTCUSD", bids=bids, asks=[], is_snapshot=True)]
    return [Pulse()]


def read_answer(body: bytes, _url: str) -> Sequence[Update]:
    """Read an answer as a frame."""
    return parse_message(body, 0)
