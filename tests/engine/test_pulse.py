"""The pulse on a real Redis: it beats while the engine is at work, and at no other time."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import pulse as pulse_module
from engine.core.exchange import Exchange
from engine.pulse import Pulse
from engine.redis_link import RedisLink
from engine.store import Lease, Store
from shared.messages import CancelOrder, Command, Deposit, Event
from tests.support.deadlines import DEADLINE_S, eventually
from tests.support.standbys import OWNER, WatchingStandby
from tests.support.venue import LEASE_TTL_MS, Venue

SILENT_S = 0.3  # As long as six beats take.
LEASE = Lease(OWNER, LEASE_TTL_MS)


class Ear:
    """Counts the heartbeats of a venue."""

    def __init__(self, venue: Venue) -> None:
        self._pubsub = venue.redis.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(venue.keys.heartbeat_channel)
        assert self._pubsub.get_message(timeout=DEADLINE_S) is None  # Subscribed, and heard so.

    def hears(self, count: int = 1) -> None:
        """Wait for so many more beats."""
        for _ in range(count):
            assert self._pubsub.get_message(timeout=DEADLINE_S), "the engine lives"

    def hears_nothing_more(self) -> None:
        while self._pubsub.get_message():
            pass
        assert self._pubsub.get_message(timeout=SILENT_S) is None

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def venue(redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(redis_url)) as venue:
        venue.seed()
        yield venue


@pytest.fixture
def ear(venue: Venue) -> Iterator[Ear]:
    with contextlib.closing(Ear(venue)) as ear:
        yield ear


@pytest.fixture
def store(venue: Venue) -> Iterator[Store]:
    """That of an engine which has the lease."""
    with contextlib.closing(RedisLink(venue.url)) as link:
        link.open()
        store = Store(link, venue.keys, LEASE)
        assert store.acquire()
        yield store


@pytest.fixture
def pulse(venue: Venue) -> Iterator[Pulse]:
    with contextlib.closing(Pulse(RedisLink(venue.url), venue.keys, LEASE)) as pulse:
        yield pulse


def test_it_beats_while_there_is_work_and_is_silent_otherwise(
    pulse: Pulse, store: Store, ear: Ear
) -> None:
    for _ in range(2):
        with pulse.working(store.epoch):
            ear.hears(3)
        ear.hears_nothing_more()


def test_many_short_works_are_no_long_one(pulse: Pulse, store: Store, ear: Ear) -> None:
    end_s = time.monotonic() + SILENT_S
    while time.monotonic() < end_s:
        with pulse.working(store.epoch):
            threading.Event().wait(0.001)
    ear.hears_nothing_more()


def test_it_renews_the_lease_of_its_owner(
    pulse: Pulse, store: Store, ear: Ear, venue: Venue
) -> None:
    venue.redis.delete(venue.keys.lease)
    with pulse.working(store.epoch):
        ear.hears()
        assert venue.redis.get(venue.keys.lease) == OWNER.encode()


def test_a_work_without_end_loses_the_lease(
    pulse: Pulse, store: Store, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_module, "PULSE_MAX_S", 0.2)
    with pulse.working(store.epoch):
        ear.hears()
        eventually(lambda: not store._link.call("EXISTS", store._keys.lease))
        ear.hears_nothing_more()
    with pulse.working(store.epoch):
        ear.hears()


def test_it_ends_when_a_later_epoch_has_begun(
    pulse: Pulse, store: Store, ear: Ear, venue: Venue
) -> None:
    with pulse.working(store.epoch):
        ear.hears()
        venue.redis.hincrby(venue.keys.meta, "epoch", 1)
        venue.redis.set(venue.keys.lease, "another")
        eventually(lambda: not pulse.is_alive)
        assert venue.redis.get(venue.keys.lease) == b"another"
    with pulse.working(store.epoch):
        assert not pulse.is_alive


def test_it_ends_when_its_connection_does(
    pulse: Pulse, store: Store, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError("the connection is reset")

    with pulse.working(store.epoch):
        ear.hears()
        monkeypatch.setattr(pulse._link, "call", refuse)
        eventually(lambda: not pulse.is_alive)


def test_it_has_no_thread_before_there_is_work_and_none_once_closed(
    pulse: Pulse, store: Store, ear: Ear
) -> None:
    assert not pulse.is_alive
    with pulse.working(store.epoch):
        ear.hears()
    pulse.close()
    assert not pulse.is_alive


# ---- with the engine ----


@pytest.fixture
def slow_deposits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let something happen while a deposit is applied."""
    sound = Exchange.apply

    def do_meanwhile(meanwhile: Callable[[], None]) -> None:
        def apply(self: Exchange, command: Command, **where: Any) -> list[Event]:
            if isinstance(command, Deposit):
                meanwhile()
            return sound(self, command, **where)

        monkeypatch.setattr(Exchange, "apply", apply)

    return do_meanwhile


def test_an_engine_keeps_its_lease_while_it_applies_one_long_command(
    venue: Venue, pulse: Pulse, ear: Ear, slow_deposits: Callable[[Callable[[], None]], None]
) -> None:
    venue.journal(Deposit(account_id=1, asset="INR", amount_atoms=5))
    slow_deposits(lambda: ear.hears(6))
    engine = venue.engine(pulse=pulse).run_until_idle()
    assert venue.meta("position") == "6"
    assert venue.meta("epoch") == str(engine.store.epoch) == "1"
    assert not venue.redis.exists(venue.keys.lease), "it was released, and no beat came after"


def test_an_engine_keeps_its_lease_while_it_catches_up_with_one_long_command(
    venue: Venue, pulse: Pulse, ear: Ear, slow_deposits: Callable[[Callable[[], None]], None]
) -> None:
    watching = WatchingStandby(venue)
    venue.engine().run_until_idle()
    watching.turns()
    venue.journal(Deposit(account_id=1, asset="INR", amount_atoms=5))
    venue.engine().run_until_idle()
    heard: list[bool] = []

    def hear() -> None:
        ear.hears(6)
        heard.append(True)

    slow_deposits(hear)
    venue.journal(CancelOrder(account_id=1, order_id=1))  # So that there is something to do.
    venue.engine(pulse=pulse, standby=watching.standby).run_until_idle()
    assert heard == [True], "it took over from memory, and followed once"
    assert venue.meta("epoch") == "3"
    watching.link.close()
