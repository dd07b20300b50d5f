"""What a producer of channels and the broadcasters say to each other, over Redis pub/sub.

The rule of this file: frozen arrays in msgpack and a closed set, so a new field goes last and has a
default. A message on a channel says what follows what: whoever has missed something knows it from
the next one, and asks for an image.

`data` and `info` are JSON text of the producer, passed on to clients as they are if they are no
longer than they may be, and as null if they are.
"""

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from shared.wire import DecodeError

# What orders a level (a price in ticks, on one scale for both sides), and what clients are sent of
# it: price, quantity, and further texts that the producer explains. No texts: the level is no more.
Level = tuple[int, tuple[str, ...]]

# Above every sequence that begins at a moment in microseconds, and short of what JSON can carry.
SEQUENCE_MAX = 2**62
Sequence = Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)]

# As JSON it is about as long, and more than 1 MiB in one message makes most clients hang up.
PUBLICATION_BYTES_MAX = 1 << 20
DATA_BYTES_MAX = 64 << 10  # Of a value, or a book's info: the whole of it is sent at each change.
ENTRY_BYTES_MAX = 4 << 10  # Of a log's entry, of which a broadcaster keeps a thousand.

T = TypeVar("T")


class Kind(StrEnum):
    """How a channel behaves."""

    BOOK = "book"
    VALUE = "value"
    LOG = "log"


class _Message(Struct, frozen=True, array_like=True, gc=False):
    pass


class ChannelState(_Message, frozen=True):
    """A channel that is live, at `sequence`; the others are its defaults for who does not ask."""

    channel: str
    kind: Kind
    sequence: Sequence
    interval_ms: int = 0
    levels: int = 0


class Alive(_Message, frozen=True):
    """All channels of a producer, said once a second; one that is not named has ceased to exist.

    `boot_us` is when the producer was started: a later one replaces an earlier one. `beat` counts.
    """

    producer: str
    boot_us: int
    beat: int
    channels: tuple[ChannelState, ...]


class Ask(_Message, frozen=True):
    """Publish images of these channels; none named: say which there are."""

    channels: tuple[str, ...] = ()


class BookImage(_Message, tag="book_image", frozen=True):
    """The whole book at `sequence`, in any order; `info` is empty when there is nothing to say."""

    sequence: Sequence
    at_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    info: bytes = b""


class BookChange(_Message, tag="book_change", frozen=True):
    """What leads from `first_sequence` - 1 to `last_sequence`; `info` is None if unchanged."""

    first_sequence: Sequence
    last_sequence: Sequence
    at_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    info: bytes | None = None


class ValueNow(_Message, tag="value_now", frozen=True):
    """What is so now: at once an image and a change."""

    sequence: Sequence
    at_ns: int
    data: bytes


class LogEntry(_Message, frozen=True):
    """One entry; which number it has is said by the message around it."""

    at_ns: int
    data: bytes


class LogImage(_Message, tag="log_image", frozen=True):
    """The latest entries, oldest first, of which the last has number `sequence`."""

    sequence: Sequence
    entries: tuple[LogEntry, ...]


class LogEntries(_Message, tag="log_entries", frozen=True):
    """New entries, numbered from `first_sequence` on."""

    first_sequence: Sequence
    entries: tuple[LogEntry, ...]


Publication = BookImage | BookChange | ValueNow | LogImage | LogEntries

encode = msgspec.msgpack.Encoder().encode

_PUBLICATION: msgspec.msgpack.Decoder[Publication] = msgspec.msgpack.Decoder(Publication)
_ALIVE = msgspec.msgpack.Decoder(Alive)
_ASK = msgspec.msgpack.Decoder(Ask)


def decode_publication(data: bytes) -> Publication:
    """Return what was published on a channel; raises DecodeError, also if it is too long."""
    if len(data) > PUBLICATION_BYTES_MAX:
        raise DecodeError(f"{len(data)} bytes are more than {PUBLICATION_BYTES_MAX}", b"")
    return _decoded(_PUBLICATION, data)


def decode_alive(data: bytes) -> Alive:
    """Return a producer's heartbeat; raises DecodeError."""
    return _decoded(_ALIVE, data)


def decode_ask(data: bytes) -> Ask:
    """Return what is asked of producers; raises DecodeError."""
    return _decoded(_ASK, data)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), data) from error
