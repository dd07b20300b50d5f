"""The bus when Redis stands still, goes away, or loses a reply: bounded, and never a guess."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared import bus as bus_module
from shared import listener as listener_module
from shared.outcomes import Accepted, Answered, NotAccepted, Refusal, Unknown
from tests.shared.bus_bench import FOREVER_S, HANG_S, a_bench, standing_still
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy


async def test_an_enqueue_without_an_answer_is_unknown(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, a_bench(redis_url, through=proxy.url) as bench:
        first = bench.send("first")
        await bench.known(1)
        bench.engine.work()
        await first
        proxy.lose_next_reply = True
        assert await asyncio.wait_for(bench.send("a"), HANG_S) == Unknown()
        assert bench.engine.journalled == 2, "this time it was written"
        assert bench.bus.in_flight == 0


async def test_a_redis_that_is_gone_is_refused_at_once(redis_server: RedisServer) -> None:
    async with a_bench(redis_server.url) as bench:
        redis_server.kill()
        await eventually_async(lambda: not bench.bus.redis_is_up)
        outcome = await asyncio.wait_for(bench.send("a"), 1.0)
        assert isinstance(outcome, NotAccepted)
        assert outcome.refusal is Refusal.REDIS_UNAVAILABLE
        redis_server.start()
        await bench.ready()
        task = bench.send("b")
        await bench.known(1)
        bench.engine.redis.connection_pool.disconnect()
        bench.engine.work()
        assert isinstance(await asyncio.wait_for(task, HANG_S), Answered)


async def test_while_redis_stands_still_a_journalled_command_is_accepted_in_time(
    redis_server: RedisServer,
) -> None:
    async with a_bench(redis_server.url, reply_timeout_s=1.0) as bench:
        task = bench.send("a")
        await bench.known(1)
        with standing_still(redis_server.pid):
            # The lookup is under way and hangs; the answer must not wait for it.
            assert await asyncio.wait_for(task, 4.0) == Accepted(1)


async def test_while_redis_stands_still_everybody_is_answered_within_bounds(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 2_000
    monkeypatch.setattr(bus_module, "PAYLOADS_PER_CALL_MAX", 20)  # 100 calls of 1.5 s each.
    async with a_bench(redis_server.url) as bench:
        with standing_still(redis_server.pid):
            tasks = [bench.send(f"key-{i}") for i in range(count)]
            outcomes = await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
        unknown = sum(outcome == Unknown() for outcome in outcomes)
        refused = sum(isinstance(outcome, NotAccepted) for outcome in outcomes)
        assert unknown + refused == count
        assert bench.bus.in_flight == 0
        # Who was told that nothing was done was told the truth, also after Redis has gone on.
        await bench.ready()
        task = bench.send("after")
        await eventually_async(lambda: bench.engine.journalled >= 1 and bool(bench.engine.work()))
        await eventually_async(lambda: bool(bench.engine.work()) or task.done())
        done = {command.idempotency_key for command in bench.engine.commands}
        for i, outcome in enumerate(outcomes):
            assert outcome == Unknown() or f"key-{i}" not in done


async def test_after_a_pause_of_redis_the_bus_works_again(redis_server: RedisServer) -> None:
    async with a_bench(redis_server.url, reply_timeout_s=0.5) as bench:
        with standing_still(redis_server.pid):
            await asyncio.wait_for(bench.send("a"), HANG_S)
        await bench.ready()
        task = bench.send("b")
        await eventually_async(lambda: bool(bench.engine.work()) or task.done())
        assert isinstance(await task, Answered | Accepted)


async def test_a_lookup_that_fails_is_tried_again(redis_url: str) -> None:
    async with (
        tcp_proxy(redis_url) as proxy,
        a_bench(redis_url, through=proxy.url, reply_timeout_s=FOREVER_S) as bench,
    ):
        task = bench.send("a")
        await bench.known(1)
        await proxy.refuse()
        bench.engine.work(publish=False)
        await eventually_async(lambda: not bench.bus.redis_is_up)
        await proxy.open()
        outcome = await asyncio.wait_for(task, HANG_S)
        assert isinstance(outcome, Answered)


async def test_a_long_idleness_grows_nothing_and_says_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SILENCE_MAX_S", 0.25)
    monkeypatch.setattr(bus_module, "SWEEP_EVERY_S", 0.001)
    async with tcp_proxy(redis_url) as proxy, a_bench(redis_url, through=proxy.url) as bench:
        connections, tasks = proxy.connections, len(asyncio.all_tasks())
        with capture_logs() as logs:
            await eventually_async(lambda: proxy.requests > 15)
        assert logs == []
        assert proxy.connections == connections
        assert len(asyncio.all_tasks()) == tasks
        assert bench.bus.in_flight == 0
