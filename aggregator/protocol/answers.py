"""Reading answers to requests, and messages whose kind is known only once they are decoded.

The rule of this file: nothing here knows a venue, and every complaint is a FrameError.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from aggregator.protocol.notices import FrameError
from aggregator.protocol.reading import UNREADABLE

SHOWN_CHARS_MAX = 200
_MICROSECONDS_FROM = 10**14  # Milliseconds reach this in the year 5138.


def shaped(message: object, shape: Any) -> Any:
    """Return what was decoded without a shape in one; raises FrameError if it is not of it."""
    try:
        return msgspec.convert(message, shape)
    except UNREADABLE as error:
        raise FrameError(f"{error}: {str(message)[:SHOWN_CHARS_MAX]}") from error


def asked_limit(url: str, default: int) -> int:
    """Return the `limit` in an address that was asked: an answer that is shorter is whole."""
    told = parse_qs(urlsplit(url).query).get("limit", [""])[0]
    return int(told) if told.isdecimal() and len(told) < len("1000000") else default


def to_ns(stamp: int) -> int:
    """Return a venue's Unix time, in milliseconds or in microseconds, in nanoseconds."""
    return stamp * 1_000_000 if stamp < _MICROSECONDS_FROM else stamp * 1_000
