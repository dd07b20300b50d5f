"""The bus with the real engine as a process: the answers that a client gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis

from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Deposit, PlaceOrder, Reject, Side
from shared.outcomes import Answered, Outcome
from tests.shared.bus_bench import HANG_S
from tests.support.deadlines import DEADLINE_S
from tests.support.processes import Service, running_service

KEYS = Keys("rialto")


@asynccontextmanager
async def a_bus(url: str) -> AsyncIterator[CommandBus]:
    bus = CommandBus(url, KEYS)
    await bus.start()
    try:
        assert await bus.wait_until_ready(DEADLINE_S)
        yield bus
    finally:
        await bus.close()


def deposit(key: str, account_id: int = 7, amount_atoms: int = 1_000) -> Deposit:
    return Deposit(
        account_id=account_id, idempotency_key=key, asset="INR", amount_atoms=amount_atoms
    )


def answered(outcome: Outcome) -> Answered:
    assert isinstance(outcome, Answered), outcome
    return outcome


async def test_commands_are_answered_repeated_and_refused_as_promised(
    redis_url: str, tmp_path: Path
) -> None:
    with running_service("engine", tmp_path / "home", {"redis_url": redis_url}):
        async with a_bus(redis_url) as bus:
            first = answered(await bus.submit(deposit("a")))
            assert (first.result.code, first.replayed) == (None, False)
            again = answered(await bus.submit(deposit("a")))
            assert (again.result, again.replayed) == (first.result, True)
            assert again.n == first.n + 1
            other = answered(await bus.submit(deposit("a", amount_atoms=2)))
            assert other.result.code is Reject.IDEMPOTENCY_MISMATCH
            order = PlaceOrder(
                account_id=7,
                idempotency_key="order",
                market="TATA_INR",
                side=Side.BUY,
                price_ticks=10,
                quantity_lots=2,
            )
            placed = answered(await bus.submit(order)).result.order
            assert placed is not None
            assert placed.held_atoms == 100
    with redis.Redis.from_url(redis_url) as client:
        assert client.hget(KEYS.balances, "7:INR") == b"900 100"


async def test_many_senders_at_once_are_each_answered_once(redis_url: str, tmp_path: Path) -> None:
    count = 2_000
    with running_service("engine", tmp_path / "home", {"redis_url": redis_url}):
        async with a_bus(redis_url) as bus:
            sent = [bus.submit(deposit(f"key-{i}", 1 + i % 10, 3)) for i in range(count)]
            outcomes = await asyncio.wait_for(asyncio.gather(*sent), DEADLINE_S)
            numbers = [answered(outcome).n for outcome in outcomes]
            assert numbers == list(range(numbers[0], numbers[0] + count))
    with redis.Redis.from_url(redis_url) as client:
        rows = [client.hget(KEYS.balances, f"{account}:INR") for account in range(1, 11)]
        assert rows == [b"600 0"] * 10


async def test_an_engine_that_is_killed_and_started_again_answers_by_the_same_key(
    redis_url: str, tmp_path: Path
) -> None:
    service = Service("engine", tmp_path / "home", {"redis_url": redis_url, "lease_ttl_ms": 500})
    service.start()
    try:
        async with a_bus(redis_url) as bus:
            # While it restores its rows an engine asks for a lease that outlasts that, and a bus is
            # ready already; the one to kill here is at work.
            answered(await bus.submit(deposit("at-work", account_id=8)))
            tasks = [asyncio.create_task(bus.submit(deposit(f"key-{i}"))) for i in range(200)]
            await asyncio.sleep(0)
            service.kill()
            await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
            service.start()
            assert await bus.wait_until_ready(DEADLINE_S), service.log_tail()
            again = await asyncio.gather(*(bus.submit(deposit(f"key-{i}")) for i in range(200)))
            assert all(answered(outcome).result.code is None for outcome in again)
    finally:
        service.kill()
    with redis.Redis.from_url(redis_url) as client:
        assert client.hget(KEYS.balances, "7:INR") == b"200000 0", "each key has one effect"
