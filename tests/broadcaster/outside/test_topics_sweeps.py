"""A producer, a bus that loses, doubles and delays, and clients: at no time is anything shown that
the producer never was, and whenever it is quiet everything is shown as it is.
"""

import random

import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.outside.topics import made_for
from shared.channels import Keys
from shared.publishing import Ask, decode_alive, decode_publication, encode
from shared.publishing.following import Follower
from shared.publishing.presence import Presence
from shared.publishing.publisher import Message
from tests.support.lossy_bus import BOOK, LOG, VALUE, LossyBus, RandomProducer
from tests.support.screen import Screen

KEYS = Keys("test")
SEEDS = range(60)
STEPS = 400
STEP_S = 0.02
QUIET_STEPS = 200
BEST_LEVELS = 3


class World:
    """All of it, in one thread, with a clock that is turned by hand."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at_s = 0.0
        self.producer = RandomProducer(KEYS, self.chance)
        self.bus = LossyBus(self.chance)
        self.asks = LossyBus(self.chance)
        self.presence = Presence()
        self.hub = Hub()
        self.followers: dict[str, Follower] = {}
        self.screen = Screen()
        self.slow_screen = Screen(levels=BEST_LEVELS)

    def step(self) -> None:
        """Let a moment pass: what was published arrives or not, and what is missing is asked."""
        self.at_s += STEP_S
        for message in self.bus.pass_on(self.producer.publisher.take(self.at_s)):
            self._arrive(message)
        for name in self.presence.pass_time(self.at_s):
            self._remove(name)
        behind = tuple(name for name, each in self.followers.items() if each.is_behind)
        if behind:
            asked = (KEYS.feeds_asked_channel, encode(Ask(behind)))
            for _, payload in self.asks.pass_on([asked]):
                self.producer.publisher.asked(payload)
        self._look(self.screen)
        if self.chance.random() < 0.1:
            self._look(self.slow_screen)

    def quiet(self) -> None:
        """Let nothing change or fail for some seconds."""
        self.bus.fault_share = self.asks.fault_share = 0.0
        for _ in range(QUIET_STEPS):
            self.step()
        self._look(self.slow_screen)

    def check(self) -> None:
        """Compare what is shown with what is."""
        producer = self.producer
        for screen in (self.screen, self.slow_screen):
            book, value, log = (screen.shown[name] for name in (BOOK, VALUE, LOG))
            assert book.sequence == producer.book.sequence
            assert value.sequence == producer.value.sequence
            assert log.sequence == producer.log.sequence
        assert self.screen.ended == self.slow_screen.ended == []

    def _arrive(self, message: Message) -> None:
        address, payload = message
        if address == KEYS.feeds_channel:
            heard = self.presence.hear(decode_alive(payload), self.at_s)
            for name in heard.gone:
                self._remove(name)
            for state in heard.came:
                topic, self.followers[state.channel] = made_for(state, Cadence())
                self.hub.put_topic(topic)
            for state in heard.states:
                self.followers[state.channel].hear(state.sequence)
        for name, follower in self.followers.items():
            if address == KEYS.feed_channel("test", name):
                follower.take(decode_publication(payload))

    def _remove(self, name: str) -> None:
        self.hub.remove_topic(name)
        del self.followers[name]

    def _look(self, screen: Screen) -> None:
        for name, topic in self.hub.topics.items():
            if name not in screen.delivery.views:
                screen.ended.clear()
                screen.subscribe(topic)
        for message in screen.read():
            if "type" in message:
                self._check_was(screen, message["channel"])

    def _check_was(self, screen: Screen, channel: str) -> None:
        shown, producer = screen.shown[channel], self.producer
        if channel == BOOK:
            count = None if screen is self.screen else BEST_LEVELS
            bids, asks = producer.books[shown.sequence]
            wanted_bids = [bids[key] for key in sorted(bids, reverse=True)[:count]]
            wanted_asks = [asks[key] for key in sorted(asks)[:count]]
            assert shown.sides() == (wanted_bids, wanted_asks)
        elif channel == VALUE:
            assert shown.data == producer.values[shown.sequence]
        else:
            first = shown.sequence - len(shown.entries) + 1
            numbers = range(first, shown.sequence + 1)
            assert shown.entries == [producer.entries[number] for number in numbers]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_shown_that_never_was_and_when_it_is_quiet_all_is_as_it_is(seed: int) -> None:
    world = World(seed)
    world.step()
    world.bus.fault_share = world.asks.fault_share = world.chance.choice((0.02, 0.1, 0.4))
    fault_share = world.bus.fault_share
    for _ in range(3):
        for _ in range(STEPS // 3):
            for _ in range(world.chance.randrange(4)):
                world.producer.change()
            if world.chance.random() < 0.01:
                world.producer.start()
            if world.chance.random() < 0.01:
                world.producer.reopen()
            world.step()
        world.quiet()
        world.check()
        world.bus.fault_share = world.asks.fault_share = fault_share
    gaps = sum(follower.gap_count for follower in world.followers.values())
    assert gaps > 0, "a run in which nothing was missed shows nothing"


def test_when_nothing_fails_nothing_is_missed_and_of_a_log_nothing_is_left_out() -> None:
    world = World(seed=1)
    for _ in range(STEPS):
        for _ in range(world.chance.randrange(4)):
            world.producer.change()
        world.step()
    world.quiet()
    world.check()
    assert all(follower.gap_count == 0 for follower in world.followers.values())
    for shown in world.screen.shown.values():
        assert shown.reasons in ([], [""])
    log = world.screen.shown[LOG]
    assert log.entries == list(world.producer.entries.values())
