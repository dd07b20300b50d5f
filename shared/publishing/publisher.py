"""The channels of one producer, and what is to be published of them.

The rule of this file: no I/O and no clock: whoever publishes says what time it is, and passes on
what `take` returns, in order, each time there is something to take.

Sequences begin at the moment when the producer was started, in microseconds, so that none comes
twice, neither after a restart nor for a channel that was closed and opened again. (A channel would
have to change a million times a second, for as long as the producer runs, to reach the next one.)
"""

import math
from collections.abc import Callable
from typing import TypeVar

from shared.channels import Keys
from shared.publishing.channels import (
    BOOK_INTERVAL_MS_DEFAULT,
    BOOK_LEVELS_DEFAULT,
    KEPT_ENTRIES_DEFAULT,
    BookChannel,
    BookNow,
    Channel,
    Flow,
    LogChannel,
    ValueChannel,
)
from shared.publishing.messages import Alive, decode_ask, encode
from shared.publishing.names import name_fault, producer_fault
from shared.wire import DecodeError

CHANNELS_MAX = 10_000  # A heartbeat names them all: some 600 KB once a second.
ALIVE_INTERVAL_S = 1.0
ALIVE_ASKED_INTERVAL_S = 0.1  # However many broadcasters ask, they all hear the one answer.
IMAGE_INTERVAL_S = 0.1  # Of one channel: those who ask meanwhile hear the next one.
TAKEN_IMAGES_MAX = 3  # A whole book is some 50 KB and a millisecond, and changes wait behind it.

Message = tuple[str, bytes]  # A Redis channel, and what to publish there.
Opened = TypeVar("Opened", bound=Channel)


class Publisher:
    """Open channels, say what changes; somebody else publishes it (`PublisherLink`)."""

    def __init__(self, producer: str, keys: Keys, *, boot_us: int) -> None:
        fault = producer_fault(producer)
        assert not fault, f"{producer}: {fault}"
        self.producer = producer
        self.channels: dict[str, Channel] = {}
        self.on_work: Callable[[], None] = _nobody_publishes  # There is something to take.
        self.unreadable = 0  # What was asked and could not be read.
        self._keys = keys
        self._boot_us = boot_us
        self._first_sequence = boot_us
        self._dropped = 0
        self._beat = 0
        self._alive_at_s = -math.inf
        self._is_alive_asked = True
        self._waiting: list[Channel] = []
        self._asked: dict[Channel, None] = {}

    # ---- channels ----

    def open_book(
        self,
        name: str,
        image: Callable[[], BookNow],
        *,
        interval_ms: int = BOOK_INTERVAL_MS_DEFAULT,
        levels: int = BOOK_LEVELS_DEFAULT,
    ) -> BookChannel:
        """Open a channel whose whole book `image` returns at any time."""
        return self._open(
            BookChannel(
                name,
                self._first_sequence,
                self._changed,
                image,
                interval_ms=interval_ms,
                levels=levels,
            )
        )

    def open_value(self, name: str, *, interval_ms: int = 0) -> ValueChannel:
        """Open a channel of which only the latest counts."""
        return self._open(
            ValueChannel(name, self._first_sequence, self._changed, interval_ms=interval_ms)
        )

    def open_log(
        self, name: str, *, interval_ms: int = 0, kept: int = KEPT_ENTRIES_DEFAULT
    ) -> LogChannel:
        """Open a channel of which everything counts; the latest `kept` are shown to newcomers."""
        return self._open(
            LogChannel(
                name, self._first_sequence, self._changed, interval_ms=interval_ms, kept=kept
            )
        )

    def close(self, channel: Channel) -> None:
        """Let a channel cease to exist; what was not published yet never is."""
        assert self.channels.pop(channel.name, None) is channel, f"{channel.name} is not open"
        channel.is_open = False
        self._asked.pop(channel, None)
        # Opened again, it goes on above every number that it had.
        self._first_sequence = max(self._first_sequence, channel.sequence + 1)
        if isinstance(channel, LogChannel):
            self._dropped += channel.dropped
        self._ask_for_alive()

    @property
    def dropped_entries(self) -> int:
        """How many entries of logs nobody was sent, because too many waited."""
        logs = (log for log in self.channels.values() if isinstance(log, LogChannel))
        return self._dropped + sum(log.dropped for log in logs)

    def flow(self) -> Flow:
        """Return what has become of all that was said on the channels that are open."""
        flows = [channel.flow() for channel in self.channels.values()]
        return Flow(*map(sum, zip(*flows, strict=True))) if flows else Flow()

    # ---- what others ask ----

    def asked(self, payload: bytes) -> None:
        """Take what somebody asks of all producers; raises DecodeError, having counted it."""
        try:
            names = decode_ask(payload).channels
        except DecodeError:
            self.unreadable += 1
            raise
        if not names:
            self._ask_for_alive()
        for name in names:
            channel = self.channels.get(name)
            if channel is not None:
                self._asked[channel] = None
                self.on_work()

    # ---- what is to be published ----

    def take(self, at_s: float) -> list[Message]:
        """Return what is to be published now, a heartbeat last if one is due."""
        taken: list[Message] = []
        waiting, self._waiting = self._waiting, []
        if len(waiting) > 1:
            waiting.sort(key=_rank)
        for channel in waiting:
            if channel.is_open:
                for said in channel.take():
                    taken.append((channel.address, encode(said)))
        if self._asked:
            taken += self._take_images(at_s)
        if at_s >= self._alive_due_s():
            self._alive_at_s = at_s
            self._is_alive_asked = False
            taken.append(self.alive())
        return taken

    def due_s(self) -> float:
        """Return when there is something to take, if nothing changes until then."""
        if self._waiting:
            return -math.inf
        images = (channel.image_at_s + IMAGE_INTERVAL_S for channel in self._asked)
        return min(self._alive_due_s(), min(images, default=math.inf))

    def alive(self) -> Message:
        """Return a heartbeat: everything there is, as far as it was taken."""
        self._beat += 1
        states = tuple(channel.state() for channel in self.channels.values())
        alive = Alive(self.producer, self._boot_us, self._beat, states)
        return self._keys.feeds_channel, encode(alive)

    def _take_images(self, at_s: float) -> list[Message]:
        taken: list[Message] = []
        for channel in list(self._asked):
            if len(taken) == TAKEN_IMAGES_MAX:
                break
            if at_s >= channel.image_at_s + IMAGE_INTERVAL_S:
                channel.image_at_s = at_s
                del self._asked[channel]
                image = channel.image()
                if image is not None:
                    taken.append((channel.address, encode(image)))
        return taken

    def _alive_due_s(self) -> float:
        interval_s = ALIVE_ASKED_INTERVAL_S if self._is_alive_asked else ALIVE_INTERVAL_S
        return self._alive_at_s + interval_s

    def _open(self, channel: Opened) -> Opened:
        fault = name_fault(channel.name)
        assert not fault, f"{channel.name}: {fault}"
        assert channel.name not in self.channels, f"the channel {channel.name} is open already"
        assert len(self.channels) < CHANNELS_MAX, f"a producer has at most {CHANNELS_MAX} channels"
        self.channels[channel.name] = channel
        channel.address = self._keys.feed_channel(self.producer, channel.name)
        self._ask_for_alive()
        return channel

    def _changed(self, channel: Channel) -> None:
        self._waiting.append(channel)
        self.on_work()

    def _ask_for_alive(self) -> None:
        self._is_alive_asked = True
        self.on_work()


def _rank(channel: Channel) -> int:
    return channel.rank


def _nobody_publishes() -> None:
    """The default: whoever takes looks often enough."""
