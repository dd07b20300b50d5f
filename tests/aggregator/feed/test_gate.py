"""When a feed may open a connection."""

import asyncio

import pytest

from aggregator.feed.clock import Clock
from aggregator.feed.gate import LOOK_S, Gate
from aggregator.feed.pacing import Ban, Window
from aggregator.feed.patience import Breaker


class Watch(Clock):
    """Stands where it was set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s


class Stage:
    def __init__(self, connects_max: int = 100, failures_max: int = 100) -> None:
        self.watch = Watch()
        self.ban = Ban()
        breaker = Breaker(failures_max=failures_max, pause_s=60)
        self.gate = Gate(self.ban, breaker, Window(connects_max, 300), self.watch)

    async def is_open(self) -> bool:
        """Try to pass, at once or not at all."""
        trying = asyncio.create_task(self.gate.have_leave())
        await asyncio.wait([trying], timeout=0.01)
        is_through = trying.done()
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        return is_through


async def test_no_more_connections_are_opened_in_five_minutes_than_the_venue_allows() -> None:
    stage = Stage(connects_max=2)
    assert await stage.is_open()
    assert await stage.is_open()
    assert not await stage.is_open()
    stage.watch.now_s = 300
    assert await stage.is_open()


async def test_a_ban_keeps_everybody_away_until_it_is_over() -> None:
    stage = Stage()
    assert not stage.gate.failed(banned_s=100)
    assert not await stage.is_open()
    stage.watch.now_s = 100
    assert await stage.is_open()


async def test_while_one_tries_for_all_the_others_wait_and_its_success_lets_them_in() -> None:
    stage = Stage(failures_max=1)
    assert stage.gate.failed()
    assert stage.gate.is_closed
    assert not await stage.is_open()
    stage.watch.now_s = 60
    assert await stage.is_open()
    assert not await stage.is_open()
    other = asyncio.create_task(stage.gate.have_leave())
    stage.gate.worked()
    await asyncio.wait_for(other, 10 * LOOK_S)


async def test_who_waits_for_the_venues_limit_does_not_use_up_the_only_try() -> None:
    stage = Stage(connects_max=1, failures_max=1)
    assert await stage.is_open()
    stage.gate.failed()
    stage.watch.now_s = 60
    assert not await stage.is_open()
    stage.watch.now_s = 300
    assert await stage.is_open()


@pytest.mark.parametrize("failures", [2, 3])
async def test_only_the_failure_that_opens_the_breaker_says_so(failures: int) -> None:
    stage = Stage(failures_max=failures)
    said = [stage.gate.failed() for _ in range(failures + 1)]
    assert said == [False] * (failures - 1) + [True, False]
