"""Batches of one sender: all of them on the journal in a row, or none."""

import asyncio

import pytest

from shared.bus import BATCH_COMMANDS_MAX
from shared.enqueue import PAYLOADS_PER_CALL_MAX
from shared.outcomes import Accepted, Answered, NotAccepted, Refusal
from tests.shared.bus_bench import Bench, a_bench, deposit
from tests.support.deadlines import eventually_async


def keys(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


async def test_a_batch_is_answered_one_by_one_in_order(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        again = bench.send("b-1")
        await bench.journalled(1)
        bench.engine.work()
        await again
        task = asyncio.create_task(bench.bus.submit_batch([deposit(key) for key in keys("b", 3)]))
        await bench.journalled(4)
        bench.engine.work()
        outcomes = await task
        assert [(type(out), getattr(out, "n", 0)) for out in outcomes] == [
            (Answered, 2), (Answered, 3), (Answered, 4),
        ]  # fmt: skip
        assert [getattr(out, "replayed", None) for out in outcomes] == [False, True, False]


async def test_batches_are_contiguous_whatever_else_is_sent(redis_url: str) -> None:
    batches, singles = 12, 60
    async with a_bench(redis_url) as bench:
        tasks = []
        for number in range(batches):
            for single in range(singles // batches):
                bench.send(f"single-{number}-{single}")
            commands = [deposit(key) for key in keys(f"b{number}", BATCH_COMMANDS_MAX)]
            tasks.append(asyncio.create_task(bench.bus.submit_batch(commands)))
        assert batches * BATCH_COMMANDS_MAX > 2 * PAYLOADS_PER_CALL_MAX, "several calls are needed"
        await bench.journalled(batches * BATCH_COMMANDS_MAX + singles)
        bench.engine.work()
        for task in tasks:
            outcomes = await task
            numbers = [out.n for out in outcomes if isinstance(out, Answered | Accepted)]
            assert numbers == list(range(numbers[0], numbers[0] + BATCH_COMMANDS_MAX))


async def test_a_batch_that_the_journal_has_no_room_for_is_refused_as_a_whole(
    redis_url: str,
) -> None:
    async with a_bench(redis_url, backlog_max=5) as bench:
        first = bench.send("single")
        await bench.journalled(1)
        outcomes = await bench.bus.submit_batch([deposit(key) for key in keys("b", 5)])
        assert [_refusal(outcome) for outcome in outcomes] == [Refusal.BUSY] * 5
        assert bench.engine.journalled == 1
        bench.engine.work()
        assert isinstance(await first, Answered)


async def test_a_batch_above_the_backlogs_limit_is_refused_at_once(redis_url: str) -> None:
    async with a_bench(redis_url, backlog_max=5) as bench:
        outcomes = await bench.bus.submit_batch([deposit(key) for key in keys("b", 6)])
        assert [_refusal(outcome) for outcome in outcomes] == [Refusal.BUSY] * 6
        assert (bench.bus.in_flight, bench.engine.journalled) == (0, 0)


async def test_a_batch_is_bounded(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        for count in (0, BATCH_COMMANDS_MAX + 1):
            with pytest.raises(AssertionError, match="bounded"):
                await bench.bus.submit_batch([deposit(key) for key in keys("b", count)])


async def test_a_batch_whose_sender_is_gone_before_the_writing_is_not_written(
    redis_url: str,
) -> None:
    async with a_bench(redis_url) as bench:
        task = asyncio.create_task(bench.bus.submit_batch([deposit(key) for key in keys("b", 9)]))
        await asyncio.sleep(0)  # It is taken, and not written yet.
        assert bench.bus.in_flight == 9
        task.cancel()
        await _one_command_later(bench)
        assert bench.engine.journalled == 1
        await eventually_async(lambda: bench.bus.in_flight == 0)


async def _one_command_later(bench: Bench) -> None:
    after = bench.send("after")
    await bench.journalled(1)
    bench.engine.work()
    await after


def _refusal(outcome: object) -> Refusal:
    assert isinstance(outcome, NotAccepted), outcome
    return outcome.refusal
