"""The two messages that mean an op without saying so.

The rule of this file: these types are for the document; the broadcaster turns such a message into
the op that it stands for before it reads it.
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from shared.feed.asking import OpId

_Market = Annotated[str, Meta(description="The name of a market.")]


class SubscribeOrderbook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Short for `subscribe` to `depth:<market>`."""

    market: _Market = field(name="SubscribeOrderbook")
    id: OpId = None


class UnsubscribeOrderbook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Short for `unsubscribe` from `depth:<market>`."""

    market: _Market = field(name="UnsubscribeOrderbook")
    id: OpId = None


ShortForm = SubscribeOrderbook | UnsubscribeOrderbook
