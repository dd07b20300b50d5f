"""One round takes from everybody, and publishes once."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from aggregator.feed.drain import FEED_S_MAX, ROUND_S_MAX, Drain
from shared import tasks
from tests.support.deadlines import eventually_async


class Feed:
    """Has so much left to do, and takes a while for each."""

    def __init__(self, left: int, each_s: float = 0.0) -> None:
        self.is_waiting = False
        self.left = left
        self._each_s = each_s

    def drain(self, until_s: float) -> bool:
        while self.left:
            self.left -= 1
            end_s = time.perf_counter() + self._each_s
            while time.perf_counter() < end_s:
                pass
            if time.perf_counter() >= until_s:
                break
        return self.left > 0


class Stage:
    def __init__(self) -> None:
        self.feeds: list[Feed] = []
        self.published: list[list[int]] = []
        self.drain = Drain(self.publish)

    def publish(self) -> None:
        self.published.append([feed.left for feed in self.feeds])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    stage.drain.start()
    yield stage
    await stage.drain.close()


async def test_feeds_that_wait_together_are_published_once(stage: Stage) -> None:
    stage.feeds = [Feed(3), Feed(4)]
    for feed in stage.feeds:
        stage.drain.wake(feed)
        stage.drain.wake(feed)
    await eventually_async(lambda: stage.published)
    assert stage.published == [[0, 0]]
    assert not any(feed.is_waiting for feed in stage.feeds)


async def test_a_flood_of_one_feed_leaves_the_others_their_turn(stage: Stage) -> None:
    flood, calm = Feed(1_000, each_s=FEED_S_MAX / 10), Feed(1)
    stage.feeds = [flood, calm]
    stage.drain.wake(flood)
    stage.drain.wake(calm)
    await eventually_async(lambda: not calm.left)
    calm_was_taken = next(left for left in stage.published if left[1] == 0)
    assert calm_was_taken[0] > 900
    assert stage.published.index(calm_was_taken) <= 1
    assert FEED_S_MAX < ROUND_S_MAX < 0.005


async def test_a_feed_without_frames_is_published_all_the_same(stage: Stage) -> None:
    stage.drain.wake(Feed(0))
    await eventually_async(lambda: stage.published)


async def test_what_is_woken_in_a_round_has_the_next_one(stage: Stage) -> None:
    second = Feed(2)

    class Waker(Feed):
        def drain(self, until_s: float) -> bool:
            stage.drain.wake(second)
            return super().drain(until_s)

    first = Waker(0)
    stage.feeds = [first, second]
    stage.drain.wake(first)
    await eventually_async(lambda: not second.left)
    assert stage.drain.rounds == 2


async def test_after_its_end_nobody_is_drained() -> None:
    stage = Stage()
    stage.drain.start()
    stage.drain.wake(Feed(1))
    await stage.drain.close()
    stage.drain.wake(Feed(1))
    await asyncio.sleep(0)
    assert not stage.published


async def test_a_bug_in_publishing_stops_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    monkeypatch.setattr(tasks, "_failed", [])

    def publish() -> None:
        raise ValueError("a bug")

    drain = Drain(publish)
    drain.start()
    with capture_logs() as logs:
        drain.wake(Feed(1))
        await eventually_async(lambda: raised)
    assert [log["task"] for log in logs] == ["feed-drain"]
    await drain.close()
