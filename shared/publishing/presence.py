"""Which channels of other producers are live.

The rule of this file: pure; a channel is there as long as its producer says so. Heartbeats may come
twice, late or not at all, and there may be two programs where there should be one.
"""

from itertools import islice
from typing import NamedTuple

from shared.publishing.messages import Alive, ChannelState
from shared.publishing.names import name_fault, producer_fault

SILENCE_MAX_S = 10.0  # Ten heartbeats; a producer that is started anew is back by then.
CHANNELS_MAX = 20_000  # Of all producers; each is a topic here, even if nobody listens.
# Of one producer, as it is held to itself: whoever says more says something wrong, and must neither
# keep the others out nor everybody waiting while it is read.
CHANNELS_OF_PRODUCER_MAX = 10_000
REFUSALS_TOLD_MAX = 100  # Of one producer's names, and of producers: nobody reads more of a log.
PRODUCERS_MAX = 1_000  # Processes of one venue, with room for names that were used once.


class Heard(NamedTuple):
    """What a heartbeat, or a silence, changes.

    `gone` comes before `came`: a channel may be in both when it is another one now. `states` are
    those live channels that the heartbeat speaks for. `refused` says in sentences what is not taken
    over, once for each name, and of so many names as somebody may read.
    """

    gone: list[str]
    came: list[ChannelState]
    states: list[ChannelState]
    refused: dict[str, str]


class _Producer:
    def __init__(self, boot_us: int) -> None:
        self.boot_us = boot_us
        self.beat = -1
        self.heard_at_s = 0.0
        self.names: set[str] = set()  # The channels that are its own.
        self.refused: set[str] = set()


class Presence:
    """The live channels by name, and whose they are."""

    def __init__(self, silence_max_s: float = SILENCE_MAX_S) -> None:
        self.owners: dict[str, str] = {}  # Channel -> producer.
        self._silence_max_s = silence_max_s
        self._kinds: dict[str, ChannelState] = {}  # As it was when it came.
        self._producers: dict[str, _Producer] = {}
        self._refused: dict[str, None] = {}  # Producers, the latest last.

    def hear(self, alive: Alive, at_s: float) -> Heard:
        """Take a heartbeat; an older one than the last, or one of an older program, is nothing."""
        heard = Heard([], [], [], {})
        producer = self._known(alive, heard)
        if producer is None:
            return heard
        producer.beat, producer.heard_at_s = alive.beat, at_s
        states = islice(alive.channels, CHANNELS_OF_PRODUCER_MAX)
        named = {state.channel: state for state in states}
        for name in producer.names - named.keys():
            self._remove(producer, name, heard)
        for name, state in named.items():
            if self._is_another(producer, state):
                self._remove(producer, name, heard)
            if name not in producer.names:
                self._add(alive.producer, state, heard)
            if name in producer.names:
                heard.states.append(state)
        producer.refused &= named.keys()
        return heard

    def pass_time(self, at_s: float) -> list[str]:
        """Return the channels that are gone because their producers have been silent too long."""
        heard = Heard([], [], [], {})
        for name, producer in list(self._producers.items()):
            if at_s - producer.heard_at_s >= self._silence_max_s:
                for channel in list(producer.names):
                    self._remove(producer, channel, heard)
                del self._producers[name]
        return heard.gone

    def begin_again(self, at_s: float) -> None:
        """Count silence from now on: it was us who heard nothing."""
        for producer in self._producers.values():
            producer.heard_at_s = at_s

    def _known(self, alive: Alive, heard: Heard) -> _Producer | None:
        producer = self._producers.get(alive.producer)
        if producer is None:
            fault = producer_fault(alive.producer)
            if fault or len(self._producers) >= PRODUCERS_MAX:
                self._refuse(alive.producer, fault or "There are too many producers.", heard)
                return None
            producer = self._producers[alive.producer] = _Producer(alive.boot_us)
        if alive.boot_us > producer.boot_us:
            producer.boot_us, producer.beat = alive.boot_us, -1
        is_new = alive.boot_us == producer.boot_us and alive.beat > producer.beat
        return producer if is_new else None

    def _refuse(self, producer_name: str, fault: str, heard: Heard) -> None:
        if producer_name not in self._refused:
            heard.refused[producer_name] = fault
        self._refused.pop(producer_name, None)
        self._refused[producer_name] = None
        if len(self._refused) > REFUSALS_TOLD_MAX:
            del self._refused[next(iter(self._refused))]

    def _is_another(self, producer: _Producer, state: ChannelState) -> bool:
        return state.channel in producer.names and self._kinds[state.channel].kind is not state.kind

    def _add(self, producer_name: str, state: ChannelState, heard: Heard) -> None:
        producer = self._producers[producer_name]
        fault = self._fault(state.channel)
        if not fault:
            self.owners[state.channel] = producer_name
            self._kinds[state.channel] = state
            producer.names.add(state.channel)
            heard.came.append(state)
        elif state.channel not in producer.refused and len(producer.refused) < REFUSALS_TOLD_MAX:
            producer.refused.add(state.channel)
            heard.refused[state.channel] = fault

    def _fault(self, channel: str) -> str:
        owner = self.owners.get(channel)
        if owner is not None:
            return f"The channel is {owner}'s."
        if len(self.owners) >= CHANNELS_MAX:
            return "There are too many channels."
        return name_fault(channel)

    def _remove(self, producer: _Producer, channel: str, heard: Heard) -> None:
        producer.names.discard(channel)
        del self.owners[channel]
        del self._kinds[channel]
        heard.gone.append(channel)
