"""The channels that other programs produce: books, values and logs of any name.

The rule of this file: the broadcaster knows how such a channel behaves and not what it is about.
`data` and `info` are JSON of the producer, passed on as they came.

A book behaves as `depth` does. A value is replaced by the next one. A log is entries in order, of
which none is left out.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

from shared.feed.words import Level, Message, Reason


class BookSnapshot(Message, frozen=True, tag="snapshot"):
    """The book, best level first, as in `DepthSnapshot`; `info` is what else there is to say."""

    sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int
    levels: int = 0
    info: Raw | UnsetType = UNSET
    reason: Reason = ""
    lagged: bool = False


class BookDelta(Message, frozen=True, tag="delta"):
    """What changed, as in `DepthDelta`; `info` is left out where it has not changed."""

    first_sequence: int
    last_sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    crc32: int
    info: Raw | UnsetType = UNSET


class Value(Message, frozen=True, tag="value"):
    """What is so now; the numbers grow, and may leave some out."""

    sequence: int
    at_ns: int
    data: Raw
    reason: Reason = ""
    lagged: bool = False


class LogEntry(Struct, frozen=True, gc=False):
    """One entry; numbers count up by 1."""

    sequence: int
    at_ns: int
    data: Raw


class LogSnapshot(Message, frozen=True, tag="snapshot"):
    """The latest entries, newest first; the next entry has `sequence` + 1."""

    sequence: int
    entries: list[LogEntry]
    reason: Reason = ""
    lagged: bool = False


class Entry(Message, frozen=True, tag="entry"):
    """A new entry of a log; its number is that of the last one, plus 1."""

    sequence: int
    at_ns: int
    data: Raw


OutsideUpdate = BookSnapshot | BookDelta | Value | LogSnapshot | Entry
