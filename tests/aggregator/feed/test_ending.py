"""Tasks that are on their way out are held until they are over."""

import asyncio

from aggregator.feed.ending import Ending
from tests.support.deadlines import eventually_async


async def test_what_is_cancelled_is_held_until_it_has_ended() -> None:
    ending, told = Ending(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await told.wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    ending.cancel([task, None])
    assert ending.tasks == {task}
    told.set()
    await eventually_async(lambda: not ending.tasks)
    assert task.cancelled()


async def test_what_ends_by_itself_is_not_cancelled_and_what_has_ended_is_not_held() -> None:
    ending, told = Ending(), asyncio.Event()
    task = asyncio.create_task(told.wait())
    ending.hold(task)
    told.set()
    await eventually_async(lambda: not ending.tasks)
    assert task.result() is True
    ending.hold(task)
    ending.hold(None)
    assert not ending.tasks
