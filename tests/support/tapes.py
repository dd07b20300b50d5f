"""Tapes made by hand: the bytes of a benchmark's tape from messages written as tuples."""

import struct
from collections.abc import Sequence
from pathlib import Path

from engine.bench.tape import CANCEL, MAGIC, MODIFY, NEW, VERSION, Message

KINDS = {"new": NEW, "cancel": CANCEL, "modify": MODIFY}
SIDES = {"buy": 0, "sell": 1}

# Two orders meet, the rest of the second is cancelled, and again; the last knows no such order.
SMALL: tuple[Message, ...] = (
    (NEW, 1, 0, 5, 0, 1, 101),
    (NEW, 0, 0, 8, 1, 2, 102),
    (MODIFY, 0, 0, 2, 2, 2, 100),
    (CANCEL, 0, 0, 0, 3, 2, 0),
    (CANCEL, 0, 0, 0, 4, 2, 0),
)
SMALL_LINES = [
    "0,0,1,1,101,5",
    "0,1,0,2,102,8",
    "1,1,101,5,1,2",
    "3,2,0,2,100,2",
    "2,3,0,2,100",
    "4,4,2",
]


def header(count: int, magic: int = MAGIC, version: int = VERSION) -> bytes:
    return struct.pack("<QII", magic, version, count)


def body(messages: Sequence[Message]) -> bytes:
    form = struct.Struct("<BBBBIQQqq")
    return b"".join(
        form.pack(kind, side, is_ioc, 0, lots, sequence, order_id, price_ticks, 0)
        for kind, side, is_ioc, lots, sequence, order_id, price_ticks in messages
    )


def tape(messages: Sequence[Message]) -> bytes:
    return header(len(messages)) + body(messages)


def write_tape(folder: Path, name: str = "orders_small.bin") -> Path:
    path = folder / name
    path.write_bytes(tape(SMALL))
    return path
