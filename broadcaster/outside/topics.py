"""How channels of other producers read.

The rule of this file: what a producer says is passed on as it came; only that it is JSON, and not
too long, is made sure of, since one bad byte would spoil the message of everybody who listens.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import UNSET, Raw

from broadcaster.channels.books import BookTopic, Picture, Step
from broadcaster.channels.cadence import Cadence
from broadcaster.channels.levels import LevelChange
from broadcaster.channels.logs import LogTopic
from broadcaster.channels.packed import NOTHING
from broadcaster.channels.topic import Topic, Wish
from broadcaster.channels.values import ValueTopic
from shared.feed import (
    INTERVAL_MS_MAX,
    LEVELS_MAX,
    BookDelta,
    BookSnapshot,
    Entry,
    LogEntry,
    LogSnapshot,
    Reason,
    Value,
)
from shared.publishing import (
    DATA_BYTES_MAX,
    ENTRY_BYTES_MAX,
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    Level,
    ValueNow,
)
from shared.publishing import LogEntry as SaidEntry
from shared.publishing.following import BookFollower, Follower, LogFollower, ValueFollower

NOT_JSON = b"null"  # Said instead of what is none, or too long.
LEVEL_TEXTS_MIN = 2  # A price and a quantity; with less, there is no level.

_json = msgspec.json.Decoder(Raw)


def made_for(state: ChannelState, cadence: Cadence) -> tuple[Topic, Follower]:
    """Return the topic of a channel that has come, nothing loaded, and what feeds it."""
    topic: Topic
    follower: Follower
    if state.kind is Kind.BOOK:
        topic = book = OutsideBook(state.channel, cadence)
        follower = BookFollower(book)
    elif state.kind is Kind.VALUE:
        topic = value = OutsideValue(state.channel, cadence)
        follower = ValueFollower(value)
    else:
        topic = log = OutsideLog(state.channel, cadence)
        follower = LogFollower(log)
    topic.is_loaded = False
    topic.default = default_of(state)
    return topic, follower


def default_of(state: ChannelState) -> Wish:
    """Return what is shown to who does not say what it wants."""
    levels = state.levels if state.kind is Kind.BOOK else 0
    return Wish(min(max(0, state.interval_ms), INTERVAL_MS_MAX), min(max(0, levels), LEVELS_MAX))


class OutsideBook(BookTopic):
    """A book of another producer."""

    def __init__(self, name: str, cadence: Cadence) -> None:
        super().__init__(name, cadence, _BookForm())

    @property
    def level_count(self) -> int:
        return len(self.book.bids) + len(self.book.asks)

    def show(self, image: BookImage, reason: Reason) -> None:
        bids, asks = _present(image.bids), _present(image.asks)
        self.book.load(image.sequence, image.at_ns, bids, asks, image.info)
        self.begin(reason)

    def follow(self, change: BookChange) -> None:
        bids, asks = _changes(change.bids), _changes(change.asks)
        self.change(change.last_sequence, change.at_ns, bids, asks, change.info)


class OutsideValue(ValueTopic[ValueNow]):
    """A value of another producer."""

    def __init__(self, name: str, cadence: Cadence) -> None:
        super().__init__(name, cadence, _value)

    def show(self, value: ValueNow, reason: Reason) -> None:
        self.load(value.sequence, value)
        self.begin(reason)

    def follow(self, value: ValueNow) -> None:
        self.set(value.sequence, value)


class OutsideLog(LogTopic[SaidEntry]):
    """A log of another producer."""

    def __init__(self, name: str, cadence: Cadence) -> None:
        super().__init__(name, cadence, _LogForm())

    def show(self, sequence: int, entries: Sequence[SaidEntry], reason: Reason) -> None:
        self.load(sequence, map(_bounded, reversed(entries)))
        self.begin(reason)

    def follow(self, entry: SaidEntry) -> None:
        self.add(_bounded(entry))


class _BookForm:
    def snapshot(self, channel: str, picture: Picture, reason: Reason) -> BookSnapshot:
        return BookSnapshot(
            channel=channel,
            sequence=picture.sequence,
            at_ns=picture.at_ns,
            bids=picture.bids,
            asks=picture.asks,
            crc32=picture.crc32,
            levels=picture.levels,
            info=_checked(picture.info) if picture.info else UNSET,
            reason=reason,
            lagged=reason == "lagged",
        )

    def delta(self, channel: str, step: Step) -> BookDelta:
        return BookDelta(
            channel=channel,
            first_sequence=step.first_sequence,
            last_sequence=step.last_sequence,
            at_ns=step.at_ns,
            bids=step.bids,
            asks=step.asks,
            crc32=step.crc32,
            info=_checked(step.info) if step.info else UNSET,
        )


def _value(channel: str, sequence: int, value: ValueNow, reason: Reason) -> Value:
    return Value(
        channel=channel,
        sequence=sequence,
        at_ns=value.at_ns,
        data=_checked(value.data),
        reason=reason,
        lagged=reason == "lagged",
    )


class _LogForm:
    def entry(self, channel: str, sequence: int, entry: SaidEntry) -> Entry:
        return Entry(
            channel=channel, sequence=sequence, at_ns=entry.at_ns, data=_checked(entry.data)
        )

    def snapshot(
        self, channel: str, sequence: int, entries: Iterable[SaidEntry], reason: Reason
    ) -> LogSnapshot:
        latest = [
            LogEntry(sequence - at, entry.at_ns, _checked(entry.data))
            for at, entry in enumerate(entries)
        ]
        lagged = reason == "lagged"
        return LogSnapshot(
            channel=channel, sequence=sequence, entries=latest, reason=reason, lagged=lagged
        )


def _present(levels: Iterable[Level]) -> Iterator[Level]:
    return ((key, texts) for key, texts in levels if _is_there(texts))


def _changes(levels: Iterable[Level]) -> Iterator[LevelChange]:
    return ((key, texts if _is_there(texts) else None) for key, texts in levels)


def _is_there(texts: tuple[str, ...]) -> bool:
    # A client removes what has the quantity "0", so we must not hold it either.
    return len(texts) >= LEVEL_TEXTS_MIN and texts[1] != NOTHING


def _bounded(entry: SaidEntry) -> SaidEntry:
    # Before it is kept, as many more will be.
    return entry if len(entry.data) <= ENTRY_BYTES_MAX else SaidEntry(entry.at_ns, NOT_JSON)


def _checked(data: bytes) -> Raw:
    if len(data) > DATA_BYTES_MAX:
        return Raw(NOT_JSON)
    try:
        data.decode()  # The other one looks at no letters, and a client at every one.
        return _json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Raw(NOT_JSON)
