"""One order that fills a thousand others: everybody who reads sees every fill, in order."""

import asyncio

import pytest

from broadcaster.venue import relay
from broadcaster.venue.relay import slices
from shared.messages import Applied, DepthChanged
from tests.broadcaster.running import Running, running
from tests.support.deadlines import eventually_async
from tests.support.feed_client import FeedClient

MARKET = "TATA_INR"
CHANNEL = f"trades:{MARKET}"
FILLS = 3_000
MAKER, TAKER = 1, 2


async def open_readers(venue: Running) -> tuple[list[FeedClient], list[FeedClient]]:
    """Three readers of the trades and both accounts, each with its snapshot."""
    watchers = [await venue.client(CHANNEL) for _ in range(3)]
    for watcher in watchers:
        assert (await watcher.next())["type"] == "snapshot"
    owners = []
    for account_id in (MAKER, TAKER):
        owner = await venue.client()
        await owner.ask(op="auth", token=f"account-{account_id}")
        await owner.ask(op="subscribe", channels=["account"])
        assert (await owner.next())["type"] == "snapshot"
        owners.append(owner)
    return watchers, owners


async def assert_all_seen(watchers: list[FeedClient], owners: list[FeedClient]) -> None:
    """Read to the last fill; every message before it came once, in order."""

    async def read(client: FeedClient, kept: list[dict[str, object]]) -> None:
        while len(kept) < FILLS + 1:
            await client.next()

    reading = [read(watcher, watcher.trades) for watcher in watchers]
    reading += [read(owner, owner.account) for owner in owners]
    await asyncio.gather(*reading)
    for watcher in watchers:
        trade_ids = [message["trade_id"] for message in watcher.trades[1:]]
        assert trade_ids == list(range(1, FILLS + 1))
    for owner in owners:
        first = owner.account[0]["sequence"]
        sequences = [message["sequence"] for message in owner.account]
        assert sequences == list(range(first, first + FILLS + 1))
    await asyncio.gather(*(client.connection.close() for client in (*watchers, *owners)))


def sweep(venue: Running, *, publish: bool) -> None:
    """One commit with all the fills of one order."""
    for _ in range(FILLS):
        venue.engine.trade(MARKET, 100, 1, maker=MAKER, taker=TAKER)
    venue.engine.commit(publish=publish)


@pytest.mark.parametrize("published", [True, False])
async def test_a_sweep_reaches_every_reader_fill_by_fill(redis_url: str, published: bool) -> None:
    async with running(redis_url) as venue:
        readers = await open_readers(venue)
        sweep(venue, publish=published)
        venue.engine.beat()
        await assert_all_seen(*readers)


async def test_many_fills_missed_in_many_commits_reach_every_reader(redis_url: str) -> None:
    async with running(redis_url) as venue:
        readers = await open_readers(venue)
        for _ in range(FILLS):
            venue.engine.trade(MARKET, 100, 1, maker=MAKER, taker=TAKER)
            venue.engine.commit(publish=False)
        venue.engine.beat()
        await assert_all_seen(*readers)


async def test_a_subscription_lost_in_the_middle_of_a_sweep_costs_nobody_a_fill(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url) as venue:
        readers = await open_readers(venue)
        applied_slices = 0

        async def apply_and_lose_the_subscription(batch: list[Applied]) -> None:
            nonlocal applied_slices
            for part in slices(batch, relay.SLICE_EVENTS_MAX):
                venue.feed.apply(part)
                applied_slices += 1
                await asyncio.sleep(0)
                if applied_slices == 3:
                    venue.redis.client_kill_filter(_type="pubsub")
                    await eventually_async(lambda: not venue.relay.is_connected)
                    await eventually_async(lambda: venue.relay.is_connected)

        monkeypatch.setattr(venue.relay, "_apply", apply_and_lose_the_subscription)
        fills = venue.relay.fill_count
        sweep(venue, publish=True)
        await assert_all_seen(*readers)
        assert applied_slices > 3
        await venue.in_step()
        assert venue.relay.fill_count > fills, "the lost subscription was looked into"


def test_slices_have_every_event_once_in_order() -> None:
    def applied(n: int, first: int, count: int) -> Applied:
        events = (DepthChanged(first + i, MARKET, first + i, (), ()) for i in range(count))
        return Applied(n, n * 10, tuple(events))

    batch = [applied(1, 1, 3), applied(2, 4, 0), applied(3, 4, 11), applied(4, 15, 1)]
    for events_max in (1, 2, 4, 5, 15, 100):
        parts = list(slices(batch, events_max))
        sizes = [sum(len(entry.events) for entry in part) for part in parts]
        assert max(sizes) <= events_max
        assert sum(sizes) == 15
        seen = [
            (event.sequence, entry.at_ns)
            for part in parts
            for entry in part
            for event in entry.events
        ]
        whole = [(event.sequence, entry.at_ns) for entry in batch for event in entry.events]
        assert seen == whole
