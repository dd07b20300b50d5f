"""From a text frame to a message of the feed, and to the keeper that understands it.

The rule of this file: a frame says itself what it is, an answer by its `op`, an update by its
channel and `type`. What cannot be read raises UnreadableError and nothing else.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rialto.client.feed.accounts import AccountKeeper
from rialto.client.feed.books import BookKeeper
from rialto.client.feed.tails import LogKeeper, TradesKeeper
from rialto.client.feed.values import ValueKeeper
from shared.feed import (
    AccountSnapshot,
    AccountUpdate,
    Answer,
    Bbo,
    BookDelta,
    BookSnapshot,
    Closing,
    DepthDelta,
    DepthSnapshot,
    Entry,
    LogSnapshot,
    Trade,
    TradesSnapshot,
    Update,
    Value,
)

AnyKeeper = AccountKeeper | BookKeeper | LogKeeper | TradesKeeper | ValueKeeper


class UnreadableError(ValueError):
    """A frame that is no message of the feed; `channel` is "" where even that is unknown."""

    def __init__(self, reason: str, channel: str = "") -> None:
        self.channel = channel
        super().__init__(reason)


class _Head(Struct, gc=False):
    """What a frame shows of itself; the fields after `channel` tell kinds of snapshots apart."""

    op: str = ""
    type: str = ""
    channel: str = ""
    market: str | None = None
    entries: Raw | UnsetType = UNSET
    trades: Raw | UnsetType = UNSET


def read(frame: str | bytes) -> Answer | Closing | Update:
    """Return the message in a frame. Raises UnreadableError."""
    try:
        head = _HEAD.decode(frame)
    except msgspec.DecodeError as error:
        raise UnreadableError(f"a frame that cannot be read: {error}") from error
    try:
        message: Answer | Closing | Update = _decoder(head).decode(frame)
    except msgspec.DecodeError as error:
        raise UnreadableError(f"a message that cannot be read: {error}", head.channel) from error
    return message


def keeper_for(update: Update) -> AnyKeeper:
    """Return a new keeper for the channel of this message."""
    return _KEEPERS.get(type(update), AccountKeeper)(update.channel)


def hand_over(keeper: AnyKeeper, update: Update) -> bool:
    """Let the keeper take the message; return False if it is of a kind that it does not know."""
    if not isinstance(keeper, _KEEPERS.get(type(update), AccountKeeper)):
        return False
    taker: Any = keeper
    taker.take(update)
    return True


def _decoder(head: _Head) -> "msgspec.json.Decoder[Any]":
    if head.op:
        return _CLOSING if head.op == "closing" else _ANSWER
    if head.channel == "account":
        return _ACCOUNT
    if head.type == "value":
        return _VALUE
    if head.type == "bbo":
        return _BBO
    if head.type == "trade" or head.trades is not UNSET:
        return _TRADES
    if head.type == "entry" or head.entries is not UNSET:
        return _LOG
    return _BOOK if head.market is None else _DEPTH


_KEEPERS: dict[type, type[AnyKeeper]] = {
    DepthSnapshot: BookKeeper,
    DepthDelta: BookKeeper,
    BookSnapshot: BookKeeper,
    BookDelta: BookKeeper,
    Trade: TradesKeeper,
    TradesSnapshot: TradesKeeper,
    Bbo: ValueKeeper,
    Value: ValueKeeper,
    Entry: LogKeeper,
    LogSnapshot: LogKeeper,
}

_HEAD = msgspec.json.Decoder(_Head)
_ANSWER = msgspec.json.Decoder(Answer)
_CLOSING = msgspec.json.Decoder(Closing)
_ACCOUNT = msgspec.json.Decoder(AccountSnapshot | AccountUpdate)
_DEPTH = msgspec.json.Decoder(DepthSnapshot | DepthDelta)
_BOOK = msgspec.json.Decoder(BookSnapshot | BookDelta)
_TRADES = msgspec.json.Decoder(Trade | TradesSnapshot)
_BBO = msgspec.json.Decoder(Bbo)
_VALUE = msgspec.json.Decoder(Value)
_LOG = msgspec.json.Decoder(Entry | LogSnapshot)
