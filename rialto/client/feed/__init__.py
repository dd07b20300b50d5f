"""The feed in Python: a client that rebuilds every channel, and proves that it is right.

The rule of this room: keepers and the desk do no I/O; what cannot be proven is not shown.
"""

from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.async_feed import AsyncFeed
from rialto.client.feed.books import BookKeeper
from rialto.client.feed.keeper import Keeper, NotLiveError
from rialto.client.feed.reading import AnyKeeper, UnreadableError, keeper_for, read
from rialto.client.feed.tails import LogKeeper, TradesKeeper
from rialto.client.feed.updates import FellBehindError, Updates
from rialto.client.feed.values import ValueKeeper

__all__ = [
    "AccountKeeper",
    "AnyKeeper",
    "AsyncFeed",
    "BookKeeper",
    "FellBehindError",
    "Keeper",
    "LogKeeper",
    "NotLiveError",
    "TradesKeeper",
    "UnreadableError",
    "Updates",
    "ValueKeeper",
    "keeper_for",
    "read",
]
