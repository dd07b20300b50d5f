"""The bus: each command one of five outcomes, and each outcome the truth."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shared import bus as bus_module
from shared.channels import result_field
from shared.enqueue import PAYLOADS_PER_CALL_MAX
from shared.messages import Deposit, Reject
from shared.outcomes import Accepted, Answered, Mismatch, NotAccepted, Outcome, Refusal
from shared.wire import PAYLOAD_SIZE_MAX, CommandResult, decode_envelope, encode, fingerprint
from tests.shared.bus_bench import FOREVER_S, HANG_S, KEYS, a_bench, deposit
from tests.support.deadlines import eventually_async
from tests.support.tcp_proxy import tcp_proxy


def refusal_of(outcome: Outcome) -> Refusal:
    assert isinstance(outcome, NotAccepted), outcome
    return outcome.refusal


async def bench_answer(task: asyncio.Task[Outcome], work: Callable[[], int]) -> Outcome:
    """Let the engine work until it had something to do, then wait for the outcome."""
    await eventually_async(lambda: work() > 0 or task.done())
    return await asyncio.wait_for(task, HANG_S)


async def test_a_command_is_answered_with_its_committed_result(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        task = bench.send("a", 5)
        await bench.journalled(1)
        bench.engine.work()
        outcome = await task
        assert isinstance(outcome, Answered)
        assert (outcome.n, outcome.replayed) == (1, False)
        assert outcome.result.fingerprint == fingerprint(encode(deposit("a", 5)))
        assert bench.engine.commands == [deposit("a", 5)]
        assert bench.bus.in_flight == 0


async def test_commands_of_one_moment_travel_together(redis_url: str) -> None:
    count = PAYLOADS_PER_CALL_MAX + 100
    async with a_bench(redis_url) as bench:
        bench.engine.redis.config_resetstat()
        tasks = [bench.send(f"key-{i}") for i in range(count)]
        await bench.journalled(count)
        bench.engine.work()
        outcomes = await asyncio.gather(*tasks)
        calls = bench.engine.redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        assert calls <= 4
        assert [out.n for out in outcomes if isinstance(out, Answered)] == [*range(1, count + 1)]
        assert [command.idempotency_key for command in bench.engine.commands] == [
            f"key-{i}" for i in range(count)
        ], "they are journalled in the order of submitting"


async def test_a_burst_above_a_small_backlog_limit_is_taken_in_part(redis_url: str) -> None:
    async with a_bench(redis_url, backlog_max=5) as bench:
        tasks = [bench.send(f"key-{i}") for i in range(8)]
        await bench.journalled(5)
        await eventually_async(lambda: sum(task.done() for task in tasks) == 3)
        bench.engine.work()
        outcomes = await asyncio.gather(*tasks)
        assert [isinstance(outcome, Answered) for outcome in outcomes] == [True] * 5 + [False] * 3


async def test_a_lost_reply_is_looked_up(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        tasks = [bench.send(f"key-{i}") for i in range(3)]
        await bench.journalled(3)
        bench.engine.work(publish=False)
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
        assert [out.n for out in outcomes if isinstance(out, Answered)] == [1, 2, 3]
        assert not any(out.replayed for out in outcomes if isinstance(out, Answered))


async def test_more_lost_replies_than_one_lookup_takes_are_all_looked_up(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "LOOKUP_COUNT_MAX", 7)
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        tasks = [bench.send(f"key-{i}") for i in range(30)]
        await bench.journalled(30)
        bench.engine.work(publish=False)
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
        assert [out.n for out in outcomes if isinstance(out, Answered)] == [*range(1, 31)]


async def test_a_slow_engine_means_accepted_and_carried_out_once(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=0.1) as bench:
        assert await bench.send("a") == Accepted(1)
        bench.engine.work()
        outcome = await bench_answer(bench.send("a"), bench.engine.work)
        assert isinstance(outcome, Answered)
        assert (outcome.n, outcome.result.n, outcome.replayed) == (2, 1, True)
        assert bench.engine.commands == [deposit("a")]


@pytest.mark.parametrize("publish", [True, False], ids=["replied", "reply lost"])
async def test_a_repeat_is_answered_with_the_first_result(publish: bool, redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        first = await bench_answer(bench.send("a"), bench.engine.work)
        assert isinstance(first, Answered)
        again = await bench_answer(bench.send("a"), lambda: bench.engine.work(publish=publish))
        assert again == Answered(2, first.result, replayed=True)
        assert bench.engine.commands == [deposit("a")]


async def test_the_same_key_with_other_parameters_is_refused_by_the_reply(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        await bench_answer(bench.send("a", 1), bench.engine.work)
        outcome = await bench_answer(bench.send("a", 2), bench.engine.work)
        assert isinstance(outcome, Answered)
        assert outcome.result.code is Reject.IDEMPOTENCY_MISMATCH
        assert bench.engine.commands == [deposit("a", 1)]


async def test_the_same_key_with_other_parameters_is_a_mismatch_when_looked_up(
    redis_url: str,
) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        await bench_answer(bench.send("a", 1), bench.engine.work)
        outcome = await bench_answer(bench.send("a", 2), lambda: bench.engine.work(publish=False))
        assert outcome == Mismatch(original_n=1)


async def test_an_old_result_says_nothing_before_the_command_is_carried_out(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=0.8) as bench:
        await bench_answer(bench.send("a"), bench.engine.work)
        assert await bench.send("a") == Accepted(2), "the old key may be forgotten before entry 2"
        bench.engine.redis.hdel(KEYS.results, result_field(7, "a"))
        bench.engine.work()
        assert bench.engine.commands == [deposit("a")] * 2


async def test_a_result_that_cannot_be_read_harms_only_its_own_command(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=1.0) as bench:
        tasks = [bench.send("a"), bench.send("b")]
        await bench.journalled(2)
        bench.engine.work(publish=False)
        bench.engine.redis.hset(KEYS.results, result_field(7, "a"), b"\xc1")
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
        assert outcomes[0] == Accepted(1)
        assert isinstance(outcomes[1], Answered)


async def test_replies_that_are_not_ours_are_passed_over(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        channel = KEYS.reply_channel(bench.bus.gateway)
        stranger = [(99, 1, CommandResult(1, 1, 1, b""))]
        for data in (b"", b"\xc1", encode(stranger), encode([("x",)]), encode({})):
            bench.engine.redis.publish(channel, data)
        outcome = await bench_answer(bench.send("a"), bench.engine.work)
        assert isinstance(outcome, Answered)


async def test_two_gateways_get_their_own_answers(redis_url: str) -> None:
    async with a_bench(redis_url) as one, a_bench(redis_url) as other:
        tasks = [bench.send(f"{i}-{j}", j) for i, bench in enumerate((one, other)) for j in (1, 2)]
        await one.journalled(4)
        one.engine.work()
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks), HANG_S)
        marks = [out.result.fingerprint for out in outcomes if isinstance(out, Answered)]
        wanted = [deposit(f"{i}-{j}", j) for i in (0, 1) for j in (1, 2)]
        assert marks == [fingerprint(encode(command)) for command in wanted]


async def test_a_reply_that_overtakes_the_news_of_the_writing_is_believed(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, a_bench(redis_url, through=proxy.url) as bench:
        await bench_answer(bench.send("first"), bench.engine.work)
        proxy.passing.clear()
        task = bench.send("a")
        await bench.journalled(2)
        bench.bus._on_replies(encode([(2, 2, CommandResult(2, 2, 2, b""))]))
        outcome = await asyncio.wait_for(task, HANG_S)
        assert isinstance(outcome, Answered)
        assert outcome.n == 2
        proxy.passing.set()


async def test_what_is_known_to_be_journalled_is_never_called_unknown(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, a_bench(redis_url, through=proxy.url) as bench:
        await bench_answer(bench.send("first"), bench.engine.work)
        proxy.passing.clear()
        task = bench.send("a")
        await bench.journalled(2)
        bench.engine.work(publish=False)
        bench.bus._on_replies(encode([(2, 2, None)]))
        proxy.lose_next_reply = True
        proxy.passing.set()
        outcome = await asyncio.wait_for(task, HANG_S)
        assert isinstance(outcome, Answered)
        assert outcome.n == 2


# ---- refusals ----


async def test_a_full_backlog_is_refused(redis_url: str) -> None:
    async with a_bench(redis_url, backlog_max=2) as bench:
        tasks = [bench.send("a"), bench.send("b")]
        await bench.journalled(2)
        assert refusal_of(await bench.send("c")) is Refusal.BUSY
        bench.engine.work()
        outcomes = await asyncio.gather(*tasks)
        assert all(isinstance(outcome, Answered) for outcome in outcomes)


async def test_more_commands_than_one_process_may_have_in_flight_are_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "PENDING_MAX", 3)
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        for i in range(3):
            bench.send(f"key-{i}")
        await bench.known(3)
        assert refusal_of(await bench.send("d")) is Refusal.BUSY
        assert bench.engine.journalled == 3


async def test_a_halted_venue_is_told_as_halted(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        bench.engine.redis.hset(KEYS.meta, "halt", "maintenance")
        assert refusal_of(await bench.send("a")) is Refusal.HALTED


async def test_a_silent_engine_is_refused_at_once_and_nothing_is_written(redis_url: str) -> None:
    async with a_bench(redis_url, silence_max_s=0.3) as bench:
        await eventually_async(lambda: not bench.bus.engine_is_up)
        assert refusal_of(await bench.bus.submit(deposit("a"))) is Refusal.ENGINE_UNAVAILABLE
        assert bench.engine.journalled == 0
        assert not await bench.bus.wait_until_ready(0.1)
        bench.engine.beat()
        assert await bench.bus.wait_until_ready(HANG_S)


async def test_a_command_without_an_idempotency_key_is_a_bug_of_its_sender(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        with pytest.raises(AssertionError):
            await bench.bus.submit(deposit(""))


async def test_a_payload_above_the_largest_is_a_bug_and_never_journalled(redis_url: str) -> None:
    async with a_bench(redis_url) as bench:
        with pytest.raises(AssertionError):
            await bench.bus.submit(deposit("k" * PAYLOAD_SIZE_MAX))
        assert (bench.engine.journalled, bench.bus.in_flight) == (0, 0)


# ---- senders that go away, and the end ----


async def test_a_sender_that_goes_away_leaves_nothing_behind(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        tasks = [bench.send(f"key-{i}") for i in range(50)]
        await bench.known(50)
        for task in tasks:
            task.cancel()
        await eventually_async(lambda: bench.bus.in_flight == 0)
        bench.engine.work()
        assert len(bench.engine.commands) == 50, "what is journalled is carried out all the same"


async def test_a_command_whose_sender_is_gone_before_the_writing_is_not_written(
    redis_url: str,
) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        gone = bench.send("gone")
        await asyncio.sleep(0)
        gone.cancel()
        outcome = await bench_answer(bench.send("here"), bench.engine.work)
        assert isinstance(outcome, Answered)
        assert deposit("gone") not in bench.engine.commands
        assert bench.bus.in_flight == 0


async def test_closing_answers_everybody(redis_url: str) -> None:
    async with a_bench(redis_url, reply_timeout_s=FOREVER_S) as bench:
        written = bench.send("written")
        await bench.known(1)
        waiting = bench.send("waiting")
        await asyncio.sleep(0)
        assert bench.bus.in_flight == 2
        await bench.bus.close()
        assert await asyncio.wait_for(written, HANG_S) == Accepted(1)
        assert refusal_of(await asyncio.wait_for(waiting, HANG_S)) is Refusal.BUSY
        assert bench.bus.in_flight == 0
        assert refusal_of(await asyncio.wait_for(bench.send("after"), HANG_S)) is Refusal.BUSY
        assert bench.engine.journalled == 1


async def test_closing_leaves_no_task_and_no_connection(redis_url: str) -> None:
    before = asyncio.all_tasks()
    async with a_bench(redis_url) as bench:
        await bench_answer(bench.send("a"), bench.engine.work)
        client = bench.engine.redis
        await bench.bus.close()
        await eventually_async(lambda: len(client.client_list()) == 1)
        assert asyncio.all_tasks() - before == set()


async def test_the_reply_channel_is_another_for_every_bus(redis_url: str) -> None:
    async with a_bench(redis_url) as one, a_bench(redis_url) as other:
        assert one.bus.gateway != other.bus.gateway
        one.send("a")
        await one.journalled(1)
        entries: Any = one.engine.redis.xrange(KEYS.journal)
        ((_, fields),) = entries
        assert decode_envelope(fields[b"b"]).gateway == one.bus.gateway


def test_the_command_of_these_tests_is_a_real_one() -> None:
    assert isinstance(deposit("a"), Deposit)
