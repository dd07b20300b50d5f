"""The journal's door: contiguous numbers, all or nothing, and no doubt where none is needed."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from shared import enqueue as enqueue_module
from shared.channels import Keys
from shared.enqueue import PAYLOADS_PER_CALL_MAX, Enqueuer, Journalled
from shared.outcomes import NotAccepted, Refusal, Unknown
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy

KEYS = Keys("test")


@asynccontextmanager
async def an_enqueuer(url: str, *, backlog_max: int = 1_000) -> AsyncIterator[Enqueuer]:
    enqueuer = Enqueuer(url, KEYS, backlog_commands_max=backlog_max)
    try:
        yield enqueuer
    finally:
        await enqueuer.close()


def journal(url: str) -> list[tuple[bytes, bytes]]:
    """Return (id, payload) of every entry."""
    with redis.Redis.from_url(url) as client:
        entries = client.xrange(KEYS.journal)
        assert isinstance(entries, list)
        assert int(client.get(KEYS.n) or 0) == len(entries), "the counter is the last number"
        return [(entry_id, fields[b"b"]) for entry_id, fields in entries]


def refusal_of(outcome: object) -> Refusal:
    assert isinstance(outcome, NotAccepted), outcome
    return outcome.refusal


# ---- numbers ----


async def test_entries_are_numbered_from_one_without_a_gap(each_redis_url: str) -> None:
    async with an_enqueuer(each_redis_url) as enqueuer:
        assert await enqueuer.enqueue([b"a"]) == Journalled(1)
        assert await enqueuer.enqueue([b"b", b"c", b"d"]) == Journalled(2)
        assert await enqueuer.enqueue([b"e"]) == Journalled(5)
    entries = journal(each_redis_url)
    assert entries == [(b"%d-0" % n, b"%c" % (96 + n)) for n in range(1, 6)]


async def test_enqueuers_side_by_side_never_share_a_number(each_redis_url: str) -> None:
    async def send(name: bytes) -> list[int]:
        async with an_enqueuer(each_redis_url) as enqueuer:
            outcomes = [await enqueuer.enqueue([name, name]) for _ in range(20)]
            return [out.first_n for out in outcomes if isinstance(out, Journalled)]

    taken = await asyncio.gather(*(send(b"%d" % i) for i in range(4)))
    assert sorted(itertools.chain(*taken)) == list(range(1, 161, 2))
    assert len(journal(each_redis_url)) == 160


async def test_entries_carry_the_time_of_redis_in_microseconds(each_redis_url: str) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        before_s, before_us = client.time()
        async with an_enqueuer(each_redis_url) as enqueuer:
            await enqueuer.enqueue([b"a", b"b"])
        after_s, after_us = client.time()
        entries = client.xrange(KEYS.journal)
    assert isinstance(entries, list)
    stamps = {int(fields[b"t"]) for _, fields in entries}
    assert len(stamps) == 1
    assert before_s * 10**6 + before_us <= stamps.pop() <= after_s * 10**6 + after_us


async def test_a_call_of_the_largest_size_is_taken_whole(each_redis_url: str) -> None:
    payloads = [bytes([i % 256]) * 4_096 for i in range(PAYLOADS_PER_CALL_MAX)]
    async with an_enqueuer(each_redis_url) as enqueuer:
        assert await enqueuer.enqueue(payloads) == Journalled(1)
    assert [payload for _, payload in journal(each_redis_url)] == payloads


# ---- refusals ----


async def test_at_the_backlog_limit_all_are_taken_or_none(each_redis_url: str) -> None:
    async with an_enqueuer(each_redis_url, backlog_max=5) as enqueuer:
        assert await enqueuer.enqueue([b"x"] * 3) == Journalled(1)
        assert refusal_of(await enqueuer.enqueue([b"y"] * 3)) is Refusal.BUSY
        assert len(journal(each_redis_url)) == 3, "none of the three is there"
        assert await enqueuer.enqueue([b"z"] * 2) == Journalled(4)
        assert refusal_of(await enqueuer.enqueue([b"z"])) is Refusal.BUSY
        with redis.Redis.from_url(each_redis_url) as client:
            client.hset(KEYS.meta, "position", "2")
        assert await enqueuer.enqueue([b"z"] * 2) == Journalled(6)


async def test_a_halted_venue_takes_nothing_until_the_halt_is_lifted(each_redis_url: str) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        async with an_enqueuer(each_redis_url) as enqueuer:
            client.hset(KEYS.meta, "halt", "the engine died")
            outcome = await enqueuer.enqueue([b"a"])
            assert refusal_of(outcome) is Refusal.HALTED
            assert isinstance(outcome, NotAccepted)
            assert "the engine died" in outcome.sentence
            assert outcome.retry_after_s > 1
            client.hdel(KEYS.meta, "halt")
            assert await enqueuer.enqueue([b"a"]) == Journalled(1)


async def test_a_full_memory_refuses_the_whole_call_and_recovers(each_redis_url: str) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        async with an_enqueuer(each_redis_url) as enqueuer:
            await enqueuer.enqueue([b"a"])
            client.config_set("maxmemory", 1)
            try:
                refused = await enqueuer.enqueue([b"b", b"c"])
            finally:
                client.config_set("maxmemory", 0)
            assert refusal_of(refused) is Refusal.REDIS_UNAVAILABLE
            assert len(journal(each_redis_url)) == 1
            assert await enqueuer.enqueue([b"b"]) == Journalled(2)


async def test_a_journal_ahead_of_its_counter_is_refused_and_not_overwritten(
    each_redis_url: str,
) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        client.xadd(KEYS.journal, {"t": "0", "b": "kept"}, id="9-0")
        async with an_enqueuer(each_redis_url) as enqueuer:
            outcome = await enqueuer.enqueue([b"a", b"b"])
        assert refusal_of(outcome) is Refusal.REDIS_UNAVAILABLE
        assert client.get(KEYS.n) is None
        assert client.xlen(KEYS.journal) == 1


# ---- what goes wrong on the wire ----


async def test_lost_scripts_are_brought_again(each_redis_url: str) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        async with an_enqueuer(each_redis_url) as enqueuer:
            await enqueuer.enqueue([b"a"])
            client.script_flush()
            assert await enqueuer.enqueue([b"b", b"c"]) == Journalled(2)
    assert [payload for _, payload in journal(each_redis_url)] == [b"a", b"b", b"c"]


async def test_a_refused_connection_means_certainly_not_accepted(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, an_enqueuer(proxy.url) as enqueuer:
        await proxy.refuse()
        assert refusal_of(await enqueuer.enqueue([b"a"])) is Refusal.REDIS_UNAVAILABLE
        await proxy.open()
        assert await enqueuer.enqueue([b"a"]) == Journalled(1)


async def test_a_connection_cut_after_the_send_means_unknown(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, an_enqueuer(proxy.url) as enqueuer:
        await enqueuer.enqueue([b"a"])
        proxy.lose_next_reply = True
        assert await enqueuer.enqueue([b"b"]) == Unknown()
        assert len(journal(redis_url)) == 2, "it was written once, only nobody could know"
        assert await enqueuer.enqueue([b"c"]) == Journalled(3)


async def test_a_connection_cut_while_connecting_means_certainly_not_accepted(
    redis_url: str,
) -> None:
    async with tcp_proxy(redis_url) as proxy, an_enqueuer(proxy.url) as enqueuer:
        proxy.lose_next_reply = True
        assert refusal_of(await enqueuer.enqueue([b"a"])) is Refusal.REDIS_UNAVAILABLE
        assert journal(redis_url) == []


async def test_a_server_that_stands_still_before_the_send_means_not_accepted(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue_module, "ENQUEUE_TIMEOUT_S", 0.3)
    async with tcp_proxy(redis_url) as proxy, an_enqueuer(proxy.url) as enqueuer:
        proxy.passing.clear()
        assert refusal_of(await enqueuer.enqueue([b"a"])) is Refusal.REDIS_UNAVAILABLE
        proxy.passing.set()
        assert await enqueuer.enqueue([b"b"]) == Journalled(1)


async def test_a_late_answer_means_unknown_and_is_not_taken_for_the_next(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue_module, "ENQUEUE_TIMEOUT_S", 0.3)
    async with tcp_proxy(redis_url) as proxy, an_enqueuer(proxy.url) as enqueuer:
        await enqueuer.enqueue([b"a"])
        proxy.passing.clear()
        assert await enqueuer.enqueue([b"b", b"c"]) == Unknown()
        proxy.passing.set()
        assert await enqueuer.enqueue([b"d"]) == Journalled(4)


async def test_a_connection_that_the_server_closed_while_idle_is_replaced_unseen(
    each_redis_url: str,
) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        async with an_enqueuer(each_redis_url) as enqueuer:
            for n in range(1, 4):
                assert await enqueuer.enqueue([b"a"]) == Journalled(n)
                client.client_kill_filter(_type="normal", skipme=True)
                await _pass_to_the_loop()


async def _pass_to_the_loop() -> None:
    # The end of a connection is seen by the loop when it looks at its sockets.
    passes = iter(range(100))
    await eventually_async(lambda: next(passes) > 20)


async def test_a_restarted_server_is_used_again(redis_server: RedisServer) -> None:
    async with an_enqueuer(redis_server.url) as enqueuer:
        assert await enqueuer.enqueue([b"a"]) == Journalled(1)
        redis_server.kill()
        await _pass_to_the_loop()
        assert refusal_of(await enqueuer.enqueue([b"b"])) is Refusal.REDIS_UNAVAILABLE
        redis_server.start()
        assert await enqueuer.enqueue([b"c"]) == Journalled(2)
    assert [payload for _, payload in journal(redis_server.url)] == [b"a", b"c"]


async def test_closing_leaves_no_connection(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        async with an_enqueuer(redis_url) as enqueuer:
            await enqueuer.enqueue([b"a"])
            assert len(client.client_list()) == 2
        await eventually_async(lambda: len(client.client_list()) == 1)
