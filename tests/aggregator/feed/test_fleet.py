"""Several feeds together."""

import asyncio

import pytest
import uvloop

from aggregator.feed.fleet import Fleet
from shared.messages import FeedState
from tests.aggregator.feed.conftest import QUICK, Sail, opened, tasks_of_the_feed
from tests.support import fake_connector
from tests.support.deadlines import eventually_async
from tests.support.fake_desk import FakeDesk
from tests.support.fake_venue import FakeVenue


def desks_of(*venues: str) -> list[FakeDesk]:
    return [FakeDesk(fake_connector.manifest(venue)) for venue in venues]


async def test_feeds_are_started_looked_at_and_halted_one_by_one(
    sail: Sail, venue: FakeVenue
) -> None:
    one, other = desks_of("one", "other")
    fleet = sail(one, other)
    await opened(one)
    await opened(other)
    fleet.halt("one:spot", "an operator said so")
    await eventually_async(lambda: one.told("closed"))
    states = {name: status.state for name, status in fleet.status().items()}
    assert states == {"one:spot": FeedState.HALTED, "other:spot": FeedState.LIVE}
    assert fleet.status()["one:spot"].reason == "an operator said so"
    fleet.halt("one:spot", "again")
    assert fleet.status()["one:spot"].reason == "an operator said so"
    fleet.resume("one:spot")
    fleet.resume("one:spot")
    await opened(one, 2)
    assert other.told("closed") == []
    numbers = [entry[0] for desk in (one, other) for entry in desk.told("opened")]
    assert len(set(numbers)) == 3  # No number of this process is used twice.


async def test_a_feed_that_there_is_not_is_an_error(sail: Sail) -> None:
    with pytest.raises(KeyError):
        sail(FakeDesk()).halt("nobody:spot", "why not")


async def test_two_desks_of_one_feed_are_a_bug() -> None:
    with pytest.raises(AssertionError, match="one desk"):
        Fleet([FakeDesk(), FakeDesk()])


def test_all_of_it_works_on_the_loop_of_the_service_and_ends_within_a_second() -> None:
    async def live() -> None:
        venue = FakeVenue()
        async with venue.open():
            desk = FakeDesk()
            fleet = Fleet([desk], offline_address=venue.address, limits=QUICK)
            fleet.start()
            await eventually_async(lambda: venue.heard)
            await venue.say('{"bids": [["1", "1"]], "padding": "%s"}' % ("x" * 300_000), "after")
            await eventually_async(lambda: desk.frames() == [b"after"])
            assert len(desk.told("parsed")) == 1
            venue.cut()
            await opened(desk, 2)
            await asyncio.wait_for(fleet.close(), 1)
            assert tasks_of_the_feed(asyncio.all_tasks()) == []

    uvloop.run(live())
