"""Reads that travel together: each as new as if it had gone alone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from api.edge.errors import ApiError
from api.reads.together import READS_MAX, UNDER_WAY_MAX, WAITING_MAX, Command, SharedReads
from tests.support.deadlines import eventually_async


class HeldRedis:
    """Answers a transaction when the test lets it; a command's answer is the command."""

    def __init__(self) -> None:
        self.asked: list[list[Command]] = []
        self.gates: list[asyncio.Future[None]] = []

    async def transaction(self, commands: Sequence[Command]) -> list[Any]:
        self.asked.append(list(commands))
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return list(commands)

    async def let_go(self, place: int, error: Exception | None = None) -> None:
        await eventually_async(lambda: len(self.gates) > place)
        if error is None:
            self.gates[place].set_result(None)
        else:
            self.gates[place].set_exception(error)


async def start(shared: SharedReads, *commands: Command) -> asyncio.Task[list[Any]]:
    task = asyncio.create_task(shared.read(commands))
    await asyncio.sleep(0)
    return task


async def occupy(shared: SharedReads, redis: HeldRedis) -> list[asyncio.Task[list[Any]]]:
    """Have as many transactions under way as there may be."""
    tasks = [await start(shared, ("FIRST", place)) for place in range(UNDER_WAY_MAX)]
    await eventually_async(lambda: len(redis.gates) == UNDER_WAY_MAX)
    return tasks


async def test_what_comes_meanwhile_goes_with_the_next_and_is_asked_for_once() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    first = await occupy(shared, redis)
    late = [await start(shared, ("SEQUENCE",), ("BOOK", n % 2)) for n in range(4)]
    assert len(redis.asked) == UNDER_WAY_MAX, "nothing that is under way answers them"
    await redis.let_go(0)
    await redis.let_go(UNDER_WAY_MAX)
    assert redis.asked[UNDER_WAY_MAX] == [("SEQUENCE",), ("BOOK", 0), ("BOOK", 1)]
    answers = await asyncio.gather(*late)
    assert answers == [[("SEQUENCE",), ("BOOK", n % 2)] for n in range(4)]
    await redis.let_go(1)
    assert await asyncio.gather(*first) == [[("FIRST", 0)], [("FIRST", 1)]]


async def test_a_transaction_carries_a_bounded_number_of_reads() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    await occupy(shared, redis)
    late = [await start(shared, ("READ", n)) for n in range(READS_MAX + 1)]
    for place in range(UNDER_WAY_MAX + 2):
        await redis.let_go(place)
    await asyncio.gather(*late)
    assert [len(commands) for commands in redis.asked[UNDER_WAY_MAX:]] == [READS_MAX, 1]


async def test_a_read_that_comes_as_the_last_one_is_answered_is_carried_too() -> None:
    async def at_once(commands: Sequence[Command]) -> list[Any]:
        return list(commands)

    shared = SharedReads(at_once)

    async def read_on_and_on() -> None:
        for n in range(100):
            assert await shared.read([("READ", n)]) == [("READ", n)]

    async with asyncio.timeout(20):
        for readers in range(1, 2 * UNDER_WAY_MAX + 1):
            await asyncio.gather(*(read_on_and_on() for _ in range(readers)))


async def test_a_failure_is_told_to_all_who_were_in_it_and_to_nobody_else() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    first = await occupy(shared, redis)
    late = [await start(shared, ("READ", n)) for n in range(2)]
    await redis.let_go(0, ApiError("REDIS_UNAVAILABLE"))
    with pytest.raises(ApiError):
        await first[0]
    await redis.let_go(UNDER_WAY_MAX, ValueError("a bug"))
    for task in late:
        with pytest.raises(ValueError, match="a bug"):
            await task
    again = await start(shared, ("AGAIN",))
    await redis.let_go(UNDER_WAY_MAX + 1)
    assert await again == [("AGAIN",)]
    await redis.let_go(1)
    assert await first[1] == [("FIRST", 1)]


async def test_who_goes_away_is_not_asked_for_and_takes_nobody_along() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    await occupy(shared, redis)
    gone, stays = await start(shared, ("GONE",)), await start(shared, ("STAYS",))
    gone.cancel()
    await asyncio.wait([gone])
    await redis.let_go(0)
    await redis.let_go(UNDER_WAY_MAX)
    assert await stays == [("STAYS",)]
    assert redis.asked[UNDER_WAY_MAX] == [("STAYS",)]


async def test_nobody_waits_for_ever_when_it_is_closed() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    tasks = [*await occupy(shared, redis), await start(shared, ("WAITS",))]
    await shared.close()
    async with asyncio.timeout(20):
        for task in tasks:
            with pytest.raises(ApiError) as refused:
                await task
            assert refused.value.code == "REDIS_UNAVAILABLE"


async def test_more_than_can_wait_are_told_that_it_is_busy() -> None:
    redis = HeldRedis()
    shared = SharedReads(redis.transaction)
    await occupy(shared, redis)
    waiting = [await start(shared, ("READ",)) for _ in range(WAITING_MAX)]
    with pytest.raises(ApiError) as refused:
        await shared.read([("READ",)])
    assert refused.value.code == "BUSY"
    await shared.close()
    await asyncio.gather(*waiting, return_exceptions=True)
