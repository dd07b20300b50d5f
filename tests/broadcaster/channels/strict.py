"""Readers of channels that believe nothing: what they hold is only what they were sent.

The rule of this file: every message has to follow, every checksum has to be of what is held, and
nobody holds more levels than asked for.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from broadcaster.channels.books import Picture, Step
from broadcaster.channels.frames import payload_of
from broadcaster.channels.topic import Topic, View, Wish
from shared.feed import (
    DepthDelta,
    DepthSnapshot,
    Entry,
    Level,
    LogEntry,
    LogSnapshot,
    Reason,
    book_crc32,
)

Message = dict[str, Any]


class DepthForm:
    """A book as a market's depth channel says it, under the market's name `X`."""

    def snapshot(self, channel: str, picture: Picture, reason: Reason) -> DepthSnapshot:
        return DepthSnapshot(
            channel=channel,
            market="X",
            sequence=picture.sequence,
            at_ns=picture.at_ns,
            bids=picture.bids,
            asks=picture.asks,
            crc32=picture.crc32,
            levels=picture.levels,
            reason=reason,
            lagged=reason == "lagged",
        )

    def delta(self, channel: str, step: Step) -> DepthDelta:
        return DepthDelta(
            channel=channel,
            market="X",
            first_sequence=step.first_sequence,
            last_sequence=step.last_sequence,
            at_ns=step.at_ns,
            bids=step.bids,
            asks=step.asks,
            crc32=step.crc32,
        )


class EntryForm:
    """A log of texts, as another producer's channel says it."""

    def entry(self, channel: str, sequence: int, entry: str) -> Entry:
        return Entry(channel=channel, sequence=sequence, at_ns=0, data=_raw(entry))

    def snapshot(
        self, channel: str, sequence: int, entries: Iterable[str], reason: Reason
    ) -> LogSnapshot:
        # Numbered by where they stand, as a log's snapshot promises.
        numbered = [
            LogEntry(sequence - number, 0, _raw(entry)) for number, entry in enumerate(entries)
        ]
        return LogSnapshot(channel=channel, sequence=sequence, entries=numbered, reason=reason)


class StrictBook:
    """A book as rebuilt from one view; a price that is removed has to be there, except when what
    was missed is made up for.
    """

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.sequence = -1
        self.bids: dict[str, Level] = {}
        self.asks: dict[str, Level] = {}
        self.reasons: list[str] = []  # Of its snapshots.
        self.resuming = False

    def take(self, message: Message) -> None:
        """Take over a message; asserts that it follows and that its checksum is right."""
        if message["type"] == "snapshot":
            assert message.get("levels", 0) == self.levels
            self.bids = {level[0]: tuple(level) for level in message["bids"]}
            self.asks = {level[0]: tuple(level) for level in message["asks"]}
            self.sequence = message["sequence"]
            self.reasons.append(message.get("reason", ""))
        else:
            assert message["first_sequence"] == self.sequence + 1, "a gap"
            assert message["last_sequence"] > self.sequence, "it leads nowhere"
            self.sequence = message["last_sequence"]
            self._change(self.bids, message["bids"])
            self._change(self.asks, message["asks"])
        bids, asks = self.best()
        assert message["crc32"] == book_crc32(bids, asks), "another book"
        if self.levels:
            assert max(len(bids), len(asks)) <= self.levels, "more levels than asked for"

    def best(self) -> tuple[list[Level], list[Level]]:
        """Return both sides, best first, as texts."""
        bids = sorted(self.bids.values(), key=lambda level: -float(level[0]))
        return bids, sorted(self.asks.values(), key=lambda level: float(level[0]))

    def _change(self, side: dict[str, Level], levels: list[list[str]]) -> None:
        for level in levels:
            if level[1] == "0":
                assert self.resuming or level[0] in side, "what is not there is removed"
                side.pop(level[0], None)
            else:
                assert side.get(level[0]) != tuple(level) or self.resuming, "no change"
                side[level[0]] = tuple(level)


class Reader:
    """A subscriber that reads when told to, and may fall behind."""

    def __init__(self, topic: Topic, wish: Wish) -> None:
        self.topic, self.wish = topic, wish
        self.queued: list[bytes] = []
        self.due: Reason | None = None
        self.removed = False
        self.view: View | None = None

    def join(self, after_sequence: int | None = None) -> bool:
        """Begin to see the channel; return whether it goes on where it was."""
        view = self.view = self.topic.join(self, self.wish)
        missed = None if after_sequence is None else view.resume(after_sequence)
        self.due, self.queued = ("", []) if missed is None else (None, list(missed))
        if not self.topic.is_loaded:
            self.due = None
        return missed is not None

    def leave(self) -> None:
        assert self.view is not None, "only who has joined leaves"
        self.topic.leave(self, self.view)
        self.view, self.due, self.queued = None, None, []

    def lag(self) -> None:
        """Lose what is queued, as who reads too slowly does."""
        self.queued, self.due = [], "lagged"

    def read(self) -> list[Message]:
        """Return what there is to read."""
        frames, self.queued = self.queued, []
        if self.due is not None and self.view is not None:
            frames.append(self.view.snapshot(self.due))
            self.due = None
        return [msgspec.json.decode(payload_of(frame)) for frame in frames]

    # ---- as a subscriber ----

    def deliver(self, view: View, frame: bytes) -> None:
        assert view is self.view, "a message of a view that was left"
        if self.due is None:
            self.queued.append(frame)

    def snapshot_due(self, view: View, reason: Reason) -> None:
        self.queued, self.due = [], reason

    def view_removed(self, view: View) -> None:
        self.leave()
        self.removed = True


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))
