"""What gateways tell each other of limits, through a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.identity.caller import ALL_SCOPES, Caller
from api.limits.limiter import Limits, Rules
from api.limits.sharing import Sharing
from shared.redis_client import connect, limits_url
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import tcp_proxy

HERE = "203.0.113.9"
NOW_S = 86_400.0 * 20_000
RULES = Rules(weight_per_minute=100, orders_per_10s=50, refusals_per_minute=1)
ALICE = Caller(1, 11, "trader", ALL_SCOPES)


def new_limits() -> Limits:
    return Limits(RULES, clock=lambda: NOW_S)


@pytest.fixture
async def both(redis_url: str) -> AsyncIterator[tuple[Sharing, Sharing]]:
    """Two gateways that share when they are told to."""
    url = limits_url(redis_url, "")
    sharings = Sharing(url, "rialto", new_limits()), Sharing(url, "rialto", new_limits())
    yield sharings
    for sharing in sharings:
        await sharing.close()


async def share(both: tuple[Sharing, Sharing]) -> None:
    for sharing in (*both, *both):
        await sharing.share()


def ask(limits: Limits, client: str = HERE) -> str:
    _, refusal = limits.enter(client, "GET", "/api/v1/time", b"")
    return "" if refusal is None else refusal.code


async def test_what_one_counted_the_other_counts_too(both: tuple[Sharing, Sharing]) -> None:
    first, second = (sharing._limits for sharing in both)
    for _ in range(60):
        assert ask(first) == ""
    for _ in range(30):
        assert ask(second) == ""
    await share(both)
    assert [ask(second) for _ in range(11)] == [""] * 10 + ["TOO_MANY_REQUESTS"]


async def test_orders_are_shared_and_told_once(both: tuple[Sharing, Sharing]) -> None:
    first, second = (sharing._limits for sharing in both)
    first.take_orders(ALICE, HERE, 20)
    second.take_orders(ALICE, HERE, 20)
    for _ in range(5):
        await share(both)
    tally, _ = second.take_orders(ALICE, HERE, 5)
    assert tally.total(NOW_S) == 45


async def test_what_is_over_the_limit_is_at_most_what_the_page_says(redis_url: str) -> None:
    # given four gateways, and an address that asks all of them in turn, as fast as it is let
    url, gateways = limits_url(redis_url, ""), 4
    sharings = [Sharing(url, "rialto", new_limits()) for _ in range(gateways)]
    passed, between_calls = 0, 3
    for _ in range(100):
        for sharing in sharings:
            passed += sum(ask(sharing._limits) == "" for _ in range(between_calls))
            sharing._limits.bans.lift(HERE, NOW_S)
        for sharing in sharings:
            await sharing.share()
    # then (N - 1) tenths of the limit, and what was asked between two calls
    assert passed <= 100 + (gateways - 1) * (10 + between_calls)
    for sharing in sharings:
        await sharing.close()


async def test_a_crowd_of_addresses_leaves_nothing_in_redis(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    limits = both[0]._limits
    for number in range(2_000):
        ask(limits, f"10.0.{number // 250}.{number % 250}")
    for _ in range(10):
        ask(limits)
    await share(both)
    with connect(limits_url(redis_url, "")) as client:
        (key,) = client.keys("*")
        assert HERE.encode() in key
        assert 0 < client.ttl(key) <= 120
    with connect(redis_url) as ledger:
        assert ledger.dbsize() == 0


async def test_a_ban_is_everywhere_and_so_is_its_end(both: tuple[Sharing, Sharing]) -> None:
    first, second = (sharing._limits for sharing in both)
    first.bans.ban(HERE, NOW_S)
    await share(both)
    assert ask(second) == "BANNED"
    second.bans.lift(HERE, NOW_S)
    await share(both)
    assert ask(first) == ""


async def test_a_gateway_that_starts_learns_the_bans(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    both[0]._limits.bans.ban(HERE, NOW_S)
    await share(both)
    late = Sharing(limits_url(redis_url, ""), "rialto", new_limits())
    await late.start()
    assert ask(late._limits) == "BANNED"
    await late.close()


async def test_a_ban_that_was_pushed_out_before_it_was_told_is_told_to_nobody(
    both: tuple[Sharing, Sharing], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.limits.bans.BANS_MAX", 2)
    first, second = (sharing._limits for sharing in both)
    for number in range(5):
        first.bans.ban(f"203.0.113.{number}", NOW_S + number)
    assert len(first.bans.news) == 2, "bounded like the table"
    await share(both)
    assert {ban.address for ban in second.bans.present(NOW_S)} == {"203.0.113.3", "203.0.113.4"}
    with connect(limits_url(redis_url, "")) as client:
        assert b"null" not in client.hgetall("rialto:limits:bans").values()


async def test_a_row_that_is_no_ban_ends_no_gateway(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    with connect(limits_url(redis_url, "")) as client:
        client.hset(
            "rialto:limits:bans", mapping={"203.0.113.1": "null", "x": b'{"address":"\xff"}'}
        )
    both[0]._limits.bans.ban(HERE, NOW_S)
    await share(both)
    assert [ask(sharing._limits) for sharing in both] == ["BANNED", "BANNED"]


async def test_bans_that_nobody_remembers_are_taken_out_of_redis(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    both[0]._limits.bans.ban("203.0.113.1", NOW_S - 2 * 86_400)
    await share(both)
    both[0]._limits.bans.ban(HERE, NOW_S)
    await share(both)
    with connect(limits_url(redis_url, "")) as client:
        assert client.hkeys("rialto:limits:bans") == [HERE.encode()]


async def test_a_redis_that_lost_its_memory_is_told_the_bans_again(
    both: tuple[Sharing, Sharing], redis_server: RedisServer
) -> None:
    first, second = (sharing._limits for sharing in both)
    first.bans.ban(HERE, NOW_S)
    await both[0].share()
    redis_server.flush()
    await share(both)
    await share(both)
    assert [ask(first), ask(second)] == ["BANNED", "BANNED"]


async def test_without_its_redis_each_goes_on_by_its_own_memory(redis_url: str) -> None:
    async with tcp_proxy(limits_url(redis_url, "")) as proxy:
        sharing = Sharing(proxy.url, "rialto", new_limits())
        await sharing.start()
        assert sharing.is_up
        proxy.passing.clear()
        limits = sharing._limits
        for _ in range(100):
            assert ask(limits) == ""
        await eventually_async(lambda: not sharing.is_up)
        assert ask(limits) == "TOO_MANY_REQUESTS"
        proxy.passing.set()
        await eventually_async(lambda: sharing.is_up)
        await sharing.close()


async def test_a_start_without_that_redis_is_a_start(redis_server: RedisServer) -> None:
    redis_server.kill()
    sharing = Sharing(limits_url(redis_server.url, ""), "rialto", new_limits())
    await asyncio.wait_for(sharing.start(), 10)
    assert not sharing.is_up
    redis_server.start()
    await eventually_async(lambda: sharing.is_up)
    await sharing.close()


async def test_a_ban_that_cannot_be_read_keeps_no_other_from_counting(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    with connect(limits_url(redis_url, "")) as client:
        client.hset("rialto:limits:bans", "nonsense", "{")
    both[0]._limits.bans.ban(HERE, NOW_S)
    await share(both)
    assert ask(both[1]._limits) == "BANNED"


async def test_a_ban_of_long_ago_leaves_redis(
    both: tuple[Sharing, Sharing], redis_url: str
) -> None:
    first = both[0]._limits
    first.bans.ban(HERE, NOW_S - 10 * 86_400)
    await share(both)
    await share(both)
    with connect(limits_url(redis_url, "")) as client:
        assert client.hlen("rialto:limits:bans") == 0
