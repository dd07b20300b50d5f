"""What a venue says of its market, in the one form that all connectors bring it into.

The rule of this file: numbers are still the venue's texts here; who reads a message checks its
shape, and the book checks its numbers. `symbol` is the venue's own name, as its messages have it.
-1 stands for a number that the venue does not give, and 0 for a time that it does not.
"""

from collections.abc import Sequence

import msgspec

from aggregator.protocol.notices import Accepted, Goodbye, Instrument, NextPage, Pulse, Refused
from shared.messages import Side

NONE = -1

# A price and the whole quantity there now; a quantity of zero removes the level.
Change = tuple[str, str]


class BookUpdate(msgspec.Struct, gc=False):
    """A whole book (`is_snapshot`), or the levels that changed.

    `first_id` to `last_id` are the venue's numbers of the changes in it, and `previous_id` is the
    number of the update before. `checksum` is over the book after this update. `depth` is how many
    levels a side the subscription has, 0 for all of them. A snapshot says by `is_whole` that the
    venue has no more levels than these; otherwise nothing is known beyond its worst ones.
    """

    symbol: str
    bids: Sequence[Change]
    asks: Sequence[Change]
    is_snapshot: bool = False
    first_id: int = NONE
    last_id: int = NONE
    previous_id: int = NONE
    checksum: int = NONE
    depth: int = 0
    is_whole: bool = False
    venue_at_ns: int = 0


class TouchUpdate(msgspec.Struct, gc=False):
    """The venue's own word on its best bid and ask as of `update_id` of the book."""

    symbol: str
    update_id: int
    bid: str
    bid_quantity: str
    ask: str
    ask_quantity: str
    venue_at_ns: int = 0


class TradeUpdate(msgspec.Struct, gc=False):
    """A trade; `is_history` where it comes in a picture of what was before we asked.

    `trade_id` never comes twice for a symbol. Where the venue counts its trades of a symbol one by
    one, `number` is that count, so that a missing one shows. `is_aggregate`: it stands for all
    that an order took at one price, and has ids and numbers of its own; of a symbol that comes
    both ways only the one way may be counted.
    """

    symbol: str
    trade_id: str
    price: str
    quantity: str
    taker_side: Side
    venue_at_ns: int = 0
    number: int = NONE
    is_history: bool = False
    is_aggregate: bool = False


class ConnectionSequence(msgspec.Struct, gc=False):
    """The number of the frame on its connection, of all channels together: it counts up by 1."""

    number: int


Update = (
    BookUpdate
    | TouchUpdate
    | TradeUpdate
    | ConnectionSequence
    | Accepted
    | Refused
    | Pulse
    | Goodbye
    | Instrument
    | NextPage
)
