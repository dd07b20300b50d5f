"""What a venue says of itself: of subscriptions, of the connection, of its symbols.

The rule of this file: what is said, in the one form that all connectors bring it into, and nothing
of what is to be done about it. `symbol` is the venue's own name, as its messages have it.
"""

import msgspec


class FrameError(ValueError):
    """A frame that is not what the venue's documents promise; nothing of it was used."""


class Accepted(msgspec.Struct, gc=False):
    """The venue has taken a subscription; no symbol: of everything that was asked for at once.

    `depth` is the depth of a book as the venue confirms it, 0 where it does not say.
    """

    symbol: str = ""
    topic: str = ""
    depth: int = 0


class Refused(msgspec.Struct, gc=False):
    """The venue has not taken a subscription, and will never send it; no symbol: of which one is
    not said.
    """

    reason: str
    symbol: str = ""
    topic: str = ""


class Pulse(msgspec.Struct, gc=False):
    """The connection lives: a heartbeat, a pong, a greeting. It says nothing of any book.

    `answer` is what must be sent back for it, if anything.
    """

    answer: str = ""


class Goodbye(msgspec.Struct, gc=False):
    """The venue is going to end this connection: a new one is opened before that."""

    reason: str


class Instrument(msgspec.Struct, gc=False, frozen=True):
    """A symbol that the venue lists. `symbol` is the name to ask with, `delivered_as` the name in
    its messages if that is another one. Ticks and steps are decimal texts, empty if not told.
    """

    symbol: str
    base: str
    quote: str
    price_tick: str = ""
    quantity_step: str = ""
    delivered_as: str = ""


class NextPage(msgspec.Struct, gc=False):
    """An answer goes on at this address, and is read there as it was here."""

    url: str
