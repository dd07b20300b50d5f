"""Whatever happens between the engine and a client, it shows what is so, or nothing.

The rule of this file: the broadcaster's wire to Redis is bad, or the broadcaster dies; the engine
and the gateway are sound, so that there is a truth to compare with.
"""

from collections.abc import AsyncIterator
from functools import partial
from random import Random
from uuid import uuid4

import pytest
import pytest_asyncio
import redis

from rialto.client.feed import AsyncFeed
from shared.channels import Keys
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually_async
from tests.support.disturbed_bus import DisturbedBus, disturbed_bus
from tests.support.feed_exchange import VENUE, FeedExchange, running_feed_exchange
from tests.support.feed_judge import DEPTHS, MORE, TRADES, Judge
from tests.support.feed_orders import Trader, trade
from tests.support.tcp_proxy import tcp_proxy

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

COMMANDS = 1_500  # Some hundreds of commits, of which a third is disturbed.
DISTURBED_RATE = 0.3
CUT_S = 5.0
SLEEPERS = 5
CUTS = 8
FEW = 20  # So few that a new broadcaster still shows every trade of them.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(redis_servers: RedisServers) -> AsyncIterator[DisturbedBus]:
    server = redis_servers.fresh(redis_binaries()[0])
    async with disturbed_bus(server.url, seed=Random().randrange(2**32)) as bus:
        yield bus


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_exchange(
    bus: DisturbedBus, redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FeedExchange]:
    folder = tmp_path_factory.mktemp("feed")
    async with running_feed_exchange(
        bus.target_url, folder, broadcaster_redis_url=bus.url
    ) as exchange:
        yield exchange


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(one_exchange: FeedExchange) -> AsyncIterator[FeedExchange]:
    async with one_exchange.session():
        yield one_exchange


def assert_undisturbed(exchange: FeedExchange) -> None:
    """No client had to repair anything, or to connect again."""
    assert [(feed.repairs, feed.connections) for feed in exchange.feeds] == [
        (0, 1) for _ in exchange.feeds
    ]


def shows_nothing(feed: AsyncFeed) -> bool:
    return not any(map(feed.is_live, feed.keepers))


def has_connected(feed: AsyncFeed, times: int) -> bool:
    return feed.connections >= times


async def opened(exchange: FeedExchange, seed: int) -> tuple[Judge, list[Trader]]:
    """Two traders, and every kind of client."""
    random = Random(seed)
    clients = [await exchange.trader(f"t{uuid4().hex[:12]}") for _ in range(2)]
    judge = Judge(exchange, clients)
    await judge.open()
    return judge, [Trader(client, random) for client in clients]


async def test_messages_that_are_lost_doubled_and_late_leave_no_trace(
    exchange: FeedExchange, bus: DisturbedBus, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    bus.rate = DISTURBED_RATE
    try:
        sequence = await trade(traders, COMMANDS)
        # The last one may be lost: the next heartbeat shows that there was one.
        await judge.compare(sequence)
    finally:
        bus.rate = 0.0
    assert all(bus.disturbed[how] for how in ("dropped", "doubled", "swapped"))
    truth = exchange.check()
    for watch in exchange.watches:
        assert watch.reasons["resync"] == 0, "the stream has everything"
        for channel in watch.trades:
            truth.check_trades(watch, channel)
    assert_undisturbed(exchange)


async def test_five_seconds_without_redis_are_made_up_for(
    exchange: FeedExchange, bus: DisturbedBus, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    await judge.compare(await trade(traders, FEW))
    await bus.cut_for(CUT_S, meanwhile=trade(traders, COMMANDS))
    await judge.compare(await trade(traders, FEW))
    truth = exchange.check()
    for watch in exchange.watches:
        assert watch.reasons["resync"] == 0, "the stream has everything"
        for channel in watch.trades:
            truth.check_trades(watch, channel)
    assert_undisturbed(exchange)


async def test_what_the_stream_has_no_more_comes_as_one_snapshot_each(
    exchange: FeedExchange, bus: DisturbedBus, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    await judge.compare(await trade(traders, FEW))

    async def trade_and_trim() -> None:
        await trade(traders, COMMANDS)
        exchange.truth.read_on(exchange.redis_url, VENUE)
        with redis.Redis.from_url(exchange.redis_url) as client:
            client.xtrim(Keys(VENUE).events, maxlen=1, approximate=False)

    await bus.cut_for(0.0, meanwhile=trade_and_trim())
    await judge.compare(await trade(traders, FEW))
    exchange.check()
    for watch in exchange.watches:
        assert watch.reasons["resync"] == len(watch.shows.keepers), "one for each channel"
    assert_undisturbed(exchange)


async def test_a_client_whose_line_is_cut_again_and_again_misses_nothing(
    exchange: FeedExchange, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    async with tcp_proxy(exchange.feed_url) as wire:
        url = f"ws://127.0.0.1:{wire.port}/ws"
        feed = await exchange.feed(*DEPTHS, *TRADES, "account", trader=judge.clients[0], url=url)
        watch = exchange.watches[-1]
        judge.full, judge.accounts[0] = feed, feed
        await feed.subscribe(*MORE)
        for connections in range(2, CUTS + 2):
            await trade(traders, COMMANDS // CUTS)
            wire.cut()
            await eventually_async(partial(has_connected, feed, connections))
        await judge.compare(await trade(traders, FEW))
        truth = exchange.check()
        for channel in TRADES:
            truth.check_trades(watch, channel)
            assert feed.trades(channel).missed == 0
        assert feed.account().missed == 0
        assert watch.account == list(range(watch.account[0], feed.account().sequence + 1))
        assert (feed.connections, feed.repairs) == (CUTS + 1, 0)
        await feed.close()


async def test_a_broadcaster_that_is_killed_leaves_no_hole(
    exchange: FeedExchange, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    await judge.compare(await trade(traders, COMMANDS))
    exchange.broadcaster.kill()
    for feed in (judge.full, judge.top, judge.slow, *judge.accounts):
        await eventually_async(partial(shows_nothing, feed))
    for trader in traders:
        for _ in range(FEW // 2):
            await trader.single()
    exchange.broadcaster.start()
    await judge.compare(max(trader.sequence for trader in traders))
    await judge.compare(await trade(traders, COMMANDS))
    truth = exchange.check()
    for watch in exchange.watches:
        for channel in watch.trades:
            truth.check_trades(watch, channel)
    assert [judge.full.trades(channel).missed for channel in TRADES] == [0, 0]
    assert all(feed.connections >= 2 for feed in exchange.feeds)


async def test_who_never_reads_harms_nobody_and_is_right_again_or_cut(
    exchange: FeedExchange, seed: int
) -> None:
    judge, traders = await opened(exchange, seed)
    sleepers = [await exchange.sleeper(*DEPTHS, *TRADES) for _ in range(SLEEPERS)]
    behind = 0
    while behind < SLEEPERS:
        await judge.compare(await trade(traders, COMMANDS))
        behind = await exchange.metric("lagged_total")
    for watch in exchange.watches:
        assert watch.reasons["lagged"] == 0, "nobody who reads falls behind"
    assert_undisturbed(exchange)
    exchange.check()
    for sleeper in sleepers:
        await sleeper.wake(exchange.truth)
    exchange.check()
    for sleeper in sleepers:
        assert sleeper.was_cut or sleeper.watch.reasons["lagged"]
