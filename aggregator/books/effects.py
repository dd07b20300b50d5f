"""What a desk wants done that it cannot do itself, because it does no I/O.

The rule of this file: a wish is data. Whoever does it (the feed, or a replay) brings the result
back to the desk; one that is never done leaves the desk where it was.
"""

from enum import StrEnum

import msgspec

from aggregator.protocol import Request


class Purpose(StrEnum):
    SNAPSHOT = "snapshot"
    TRADES = "trades"
    INSTRUMENTS = "instruments"


class Fetch(msgspec.Struct, frozen=True):
    """Ask the venue by HTTP, and give the answer to `desk.answered` with this `ticket`.

    A ticket is used up by its answer, and an answer to an old one is passed over.
    """

    ticket: int
    purpose: Purpose
    symbol: str
    request: Request


class Send(msgspec.Struct, frozen=True):
    """Send texts on a connection, within the limits of its socket."""

    connection: int
    texts: tuple[str, ...]


class Renew(msgspec.Struct, frozen=True):
    """Open another connection like this one.

    With `overlap` this one stays until the desk asks to close it; without, it is of no more use
    and is closed first.
    """

    connection: int
    reason: str
    overlap: bool


class Close(msgspec.Struct, frozen=True):
    """Close a connection whose work another one has taken over."""

    connection: int
    reason: str


class Mismatch(msgspec.Struct, frozen=True):
    """A book was found wrong: keep what led to it."""

    book: str
    reason: str
    at_ns: int


Effect = Fetch | Send | Renew | Close | Mismatch
