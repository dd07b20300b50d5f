"""The codec between services: msgpack, decoded once at the border and trusted inside.

The rule of this file: `DecodeError` is the only thing that bad bytes can cause.
"""

import hashlib
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from shared.messages import Applied, Command, Order, Reject, Side, Withdrawal

WIRE_VERSION = 2  # Raised when old and new services could misread each other.
NOBODY = ""  # The gateway of an entry that no process waits for.
PAYLOAD_SIZE_MAX = 4_096  # A full order is below 400 bytes; a larger payload is no command.

T = TypeVar("T")


class DecodeError(ValueError):
    """Bytes that are not what they should be; `data` is the offending bytes."""

    def __init__(self, reason: str, data: bytes) -> None:
        super().__init__(reason)
        self.data = data


class Envelope(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A journal entry's payload: who waits for the answer, and the command's own bytes."""

    version: int
    gateway: str
    request_id: int
    command: Raw


class FillReport(Struct, frozen=True, array_like=True, gc=False):
    """One fill of the order that a command placed, for the answer to its sender."""

    trade_id: int
    price_ticks: int
    quantity_lots: int
    fee_atoms: int


class CommandResult(Struct, frozen=True, array_like=True, gc=False):
    """The final answer to journal entry `n`, stored with the commit that made it true.

    `code` is None when the command was carried out. `order` is the order it concerned, as it stood
    right after, and `other_order` the second one of a pair. `fills` are those of `order` as a
    taker, at most the first FILLS_IN_RESULT_MAX. `named_order_id` is the order that a rejected
    command named, 0 for none. `count` is how many orders a cancel-all found, None for another
    command. `withdrawal` is the one that a command made or ended, whose id is the `n` of its
    request. `hold_atoms` of `hold_asset` is what a tested order would hold, "" for another command.
    """

    n: int
    at_ns: int
    sequence: int
    fingerprint: bytes
    code: Reject | None = None
    field: str = ""
    order: Order | None = None
    expiry_reason: str = ""
    fills: tuple[FillReport, ...] = ()
    named_order_id: int = 0
    other_order: Order | None = None
    count: int | None = None
    withdrawal: Withdrawal | None = None
    hold_asset: str = ""
    hold_atoms: int = 0


class Reply(Struct, frozen=True, array_like=True, gc=False):
    """An answer on its way to the gateway that asked.

    `result` is None when the command repeats an earlier one: the first answer is in the results.
    """

    request_id: int
    n: int
    result: CommandResult | None


class TradeRow(Struct, frozen=True, array_like=True, gc=False):
    """A trade as the recent-trades list keeps it."""

    trade_id: int
    at_ns: int
    price_ticks: int
    quantity_lots: int
    taker_side: Side


encode = msgspec.msgpack.Encoder().encode

_ENVELOPE = msgspec.msgpack.Decoder(Envelope)
_COMMAND: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_BATCH = msgspec.msgpack.Decoder(list[Applied])
_DECODERS: dict[object, msgspec.msgpack.Decoder[Any]] = {}  # By kind, of which there are a dozen.


def fingerprint(command: bytes | Raw) -> bytes:
    """Return the 8 bytes by which a repeated idempotency key shows other parameters."""
    return hashlib.blake2b(command, digest_size=8).digest()


def decode_envelope(data: bytes) -> Envelope:
    """Return the payload of a journal entry, its command still encoded; raises DecodeError, also
    for a payload above PAYLOAD_SIZE_MAX.
    """
    if len(data) > PAYLOAD_SIZE_MAX:
        raise DecodeError(f"a payload of {len(data)} bytes", data)
    return _decoded(_ENVELOPE, data)


def decode_command(data: bytes | Raw) -> Command:
    """Return the command; raises DecodeError."""
    return _decoded(_COMMAND, data)


def decode_batch(data: bytes) -> list[Applied]:
    """Return the events of one commit, as the event stream and the events channel carry them."""
    return _decoded(_BATCH, data)


def decode(data: bytes, kind: type[T]) -> T:
    """Return the `kind` that `data` encodes; raises DecodeError."""
    decoder: msgspec.msgpack.Decoder[T] | None = _DECODERS.get(kind)
    if decoder is None:  # Making one costs ten times a decoding.
        decoder = _DECODERS[kind] = msgspec.msgpack.Decoder(kind)
    return _decoded(decoder, data)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes | Raw) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), bytes(data)) from error
