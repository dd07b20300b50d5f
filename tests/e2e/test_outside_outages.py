"""Redis, broadcaster and aggregators that die: what is shown stays true, and comes back by itself.

The rule of this file: two aggregators share the venues, so that the death of one is only half.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from shared.messages import FeedState
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually_async
from tests.support.outside_exchange import (
    OutsideExchange,
    run_command,
    running_outside_exchange,
    running_venues,
)
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

RATE = 5.0
BOOKS_EACH = 2
FIRST, SECOND = ("binance", "kraken"), ("bybit", "coinbase")  # What each aggregator follows.
BOOKS = BOOKS_EACH * len(FIRST + SECOND)
AWAY_S = 5.0
GROWTH_BYTES_MAX = 40_000_000  # Buffers of some seconds; without a bound it would be more.


@pytest.fixture(scope="module")
def redis_of_ours(redis_servers: RedisServers) -> RedisServer:
    return redis_servers.fresh(redis_binaries()[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_exchange(
    redis_of_ours: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OutsideExchange]:
    folder = tmp_path_factory.mktemp("outages")
    dollars = "BTC/USD+ETH/USD"
    wishes = {
        "aggregators": 2,
        "aggregator_venues": f"{'+'.join(FIRST)},{'+'.join(SECOND)}",
        "outside_pairs": f"BTC/USDT,ETH/USDT,kraken:spot={dollars},coinbase:spot={dollars}",
    }
    async with (
        running_venues(RATE) as venues,
        running_outside_exchange(redis_of_ours.url, folder, venues, **wishes) as exchange,
    ):
        yield exchange


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(one_exchange: OutsideExchange) -> AsyncIterator[OutsideExchange]:
    """With everything live, and judged until everything is live again."""
    async with one_exchange.judged():
        await one_exchange.live(BOOKS)
        yield one_exchange
        await one_exchange.live(BOOKS)
        await one_exchange.moved_on()
        await are_merged(one_exchange, FIRST + SECOND)


async def are_merged(exchange: OutsideExchange, venues: tuple[str, ...]) -> None:
    """Wait until the consolidated books are of these venues, and of no others."""

    def are_there() -> bool:
        exchange.judge.check()
        merged = exchange.judge.merged
        found = {book.partition(":")[0] for one in merged.values() for book in one.books}
        assert found == set(venues), f"{found} are in, not {venues}"
        return True

    await eventually_async(are_there, 30)


def memory(exchange: OutsideExchange) -> int:
    services = [*exchange.aggregators, exchange.inner.broadcaster]
    return sum(psutil.Process(service.pid).memory_info().rss for service in services)


async def test_an_aggregator_that_dies_takes_only_its_own_venues_out_and_brings_them_back(
    exchange: OutsideExchange,
) -> None:
    await are_merged(exchange, FIRST + SECOND)
    exchange.kill(1)

    await are_merged(exchange, FIRST)
    await exchange.live(BOOKS_EACH * len(FIRST))  # The channels of the others are gone.
    await exchange.moved_on()

    exchange.start(1)


async def test_the_one_that_consolidates_may_die_as_well_and_our_own_market_does_not_notice(
    exchange: OutsideExchange,
) -> None:
    client = await exchange.inner.trader("trader1")
    exchange.kill(0)

    order = await client.place_order("TATA_INR", "buy", price="100", quantity="1")
    assert order.order_id
    await exchange.live(BOOKS_EACH * len(SECOND))

    exchange.start(0)


async def test_books_live_on_without_redis_and_are_published_again_with_it(
    exchange: OutsideExchange, redis_of_ours: RedisServer
) -> None:
    before = memory(exchange)
    await asyncio.to_thread(redis_of_ours.kill)
    gone_at_s = time.monotonic()
    told: set[object] = set()

    async def is_over() -> bool:
        for number in range(2):
            told.update(feed["state"] for feed in (await exchange.status(number)).values())
        return time.monotonic() - gone_at_s > AWAY_S

    await eventually_async(is_over)
    assert told == {FeedState.LIVE}
    await asyncio.to_thread(redis_of_ours.start)
    await exchange.live(BOOKS)
    assert memory(exchange) - before < GROWTH_BYTES_MAX


async def test_a_broadcaster_that_dies_is_followed_by_another_with_the_same_truth(
    exchange: OutsideExchange,
) -> None:
    exchange.inner.broadcaster.kill()
    await eventually_async(lambda: not exchange.feed.is_connected)
    exchange.inner.broadcaster.start()
    await eventually_async(lambda: exchange.feed.connections > 1)


async def test_the_commands_tell_how_it_is(exchange: OutsideExchange) -> None:
    status = await asyncio.to_thread(run_command, "aggregator", "status", environ=exchange.environ)
    assert status.returncode == 0, status.stdout + status.stderr
    assert status.stdout.count("2 of 2") == len(FIRST + SECOND)

    best = await asyncio.to_thread(
        run_command,
        *("best", "BTC/USDT", "buy", "0.5", "--json", "--url", exchange.inner.feed_url),
        environ=exchange.environ,
    )
    assert best.returncode == 0, best.stdout + best.stderr
