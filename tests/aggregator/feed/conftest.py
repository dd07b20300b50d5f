"""A venue on a real socket, and a fleet that finds it by the offline address."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from tests.support.deadlines import eventually_async
from tests.support.fake_desk import FakeDesk
from tests.support.fake_venue import FakeVenue

# Waits that a test can see grow, and that cost it nothing.
QUICK = Limits(
    backoff_first_s=0.01, backoff_max_s=0.05, breaker_failures_max=1_000, breaker_pause_s=0.1
)

Sail = Callable[..., Fleet]


@pytest.fixture
async def venue() -> AsyncIterator[FakeVenue]:
    venue = FakeVenue()
    async with venue.open():
        yield venue


@pytest.fixture
async def sail(venue: FakeVenue) -> AsyncIterator[Sail]:
    """Start fleets of desks; each is closed at the end, and then no task may be left."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:

        def start(*desks: FakeDesk, limits: Limits = QUICK, **options: Any) -> Fleet:
            options.setdefault("offline_address", venue.address)
            fleet = Fleet(desks, limits=limits, **options)
            fleet.start()
            stack.push_async_callback(fleet.close)
            return fleet

        yield start
    await venue.stop()
    assert tasks_of_the_feed(asyncio.all_tasks() - before) == []


def tasks_of_the_feed(tasks: Sequence[Any] | set[Any]) -> list[str]:
    """Return the names of those that a fleet has begun."""
    begun = ("feed-", "line-", "read-", "fetch-")
    return [task.get_name() for task in tasks if task.get_name().startswith(begun)]


async def opened(desk: FakeDesk, count: int = 1) -> None:
    """Wait until so many connections have been opened in all."""
    await eventually_async(lambda: len(desk.told("opened")) >= count)


async def heard(desk: FakeDesk, count: int) -> None:
    """Wait until so many frames have been received in all."""
    await eventually_async(lambda: len(desk.frames()) >= count)
