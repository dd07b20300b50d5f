"""Thirty-six living books of four venues, and everything a client is shown of them is true."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.messages import FeedState
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually_async
from tests.support.outside_exchange import (
    OutsideExchange,
    running_outside_exchange,
    running_venues,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

BOOKS = 36
RATE = 3.0  # Moves of each book a second: every message is compared level by level.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(
    redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OutsideExchange]:
    server = redis_servers.fresh(redis_binaries()[0])
    folder = tmp_path_factory.mktemp("outside")
    async with (
        running_venues(RATE) as venues,
        running_outside_exchange(server.url, folder, venues) as exchange,
    ):
        yield exchange


async def test_all_that_is_shown_of_thirty_six_books_is_the_venues_truth(
    exchange: OutsideExchange,
) -> None:
    async with exchange.judged() as judge:
        await exchange.live(BOOKS)
        await exchange.moved_on(more=10)
        await exchange.merged_on()
        await eventually_async(lambda: len(judge.trades) == BOOKS)
        await eventually_async(lambda: len(judge.signals) == BOOKS)
        await eventually_async(lambda: "aggregator" in judge.metrics)
        await eventually_async(lambda: judge.judged["parts"] > 30)
        states = {name: status.state for name, status in judge.statuses.items()}
        assert states == dict.fromkeys(("binance", "bybit", "coinbase", "kraken"), FeedState.LIVE)
        assert [book for book in judge.trades if judge.missing(book)] == []
        assert exchange.feed.repairs == 0
        for name, info in judge.books.items():
            assert info.mismatched == 0, name
