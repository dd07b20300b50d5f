"""The words that all messages of the feed share.

The rule of this file: prices and quantities are decimal text; only ids, sequences, times and
checksums are numbers. A field that has a default is left out when it has that value.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Side = Literal["buy", "sell"]
Reason = Literal["", "lagged", "resync"]

# price, absolute quantity ("0" removes the level), and on some channels further texts that the
# producer of the channel explains, such as the venues whose orders make up the level.
Level = Annotated[tuple[str, ...], Meta(min_length=2)]


class Message(Struct, frozen=True, tag_field="type", omit_defaults=True, kw_only=True, gc=False):
    """An update of a channel."""

    channel: str
