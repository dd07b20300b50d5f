"""One chunk is read ahead, it grows while it waits, and not without end."""

import asyncio

from history.follow import ahead as ahead_module
from history.follow.ahead import Ahead
from history.follow.links import Link
from history.projection.rows import CursorRow
from shared.messages import Applied
from tests.support.deadlines import eventually_async

SOON_S = 0.01


def link_of(n: int, events: int = 1, size: int = 10) -> Link:
    return Link([Applied(n, n, ())], CursorRow(n * events, n, n, f"digest {n}"), events, size)


async def test_what_waits_is_taken_together() -> None:
    # given
    ahead = Ahead()
    await ahead.put(link_of(1))
    await ahead.put(link_of(2))
    # when
    chunk = await ahead.take(SOON_S)
    # then
    assert chunk is not None
    assert [applied.n for applied in chunk.applied] == [1, 2]
    assert (chunk.cursor.n, chunk.events, chunk.size) == (2, 2, 20)
    assert await ahead.take(SOON_S) is None


async def test_a_chunk_that_was_taken_does_not_grow() -> None:
    # given
    ahead = Ahead()
    await ahead.put(link_of(1))
    chunk = await ahead.take(SOON_S)
    # when
    await ahead.put(link_of(2))
    # then
    assert chunk is not None
    assert len(chunk.applied) == 1


async def test_whoever_reads_waits_while_the_chunk_is_full() -> None:
    for link in (
        link_of(1, events=ahead_module.EVENTS_MIN),
        link_of(1, size=ahead_module.SIZE_MAX),
    ):
        # given
        ahead = Ahead()
        await ahead.put(link)
        # when
        reader = asyncio.create_task(ahead.put(link_of(2)))
        for _ in range(10):
            await asyncio.sleep(0)
        # then
        assert not reader.done()
        first = await ahead.take(SOON_S)
        await eventually_async(reader.done)
        second = await ahead.take(SOON_S)
        assert first is not None
        assert second is not None
        assert [first.cursor.n, second.cursor.n] == [1, 2]


async def test_chunks_grow_while_each_is_full_and_are_small_again_after() -> None:
    # given
    ahead = Ahead()
    sizes = []
    for _ in range(8):
        # when each is filled up to its limit
        while not ahead.is_full:
            await ahead.put(link_of(1, events=500))
        chunk = await ahead.take(SOON_S)
        assert chunk is not None
        sizes.append(chunk.events)
    # then
    assert sizes == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000]
    await ahead.put(link_of(1))
    await ahead.take(SOON_S)
    await ahead.put(link_of(1, events=1_000))
    assert ahead.is_full


async def test_whoever_takes_can_be_woken_for_nothing() -> None:
    # given
    ahead = Ahead()
    taker = asyncio.create_task(ahead.take(60))
    await asyncio.sleep(0)
    # when
    ahead.wake()
    # then
    assert await asyncio.wait_for(taker, 5) is None
