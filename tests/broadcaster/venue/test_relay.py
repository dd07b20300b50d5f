"""The depth channel on a real Redis: what a client rebuilds is what the engine's rows say."""

import asyncio
import random
from typing import Any
from zlib import crc32

import pytest

from broadcaster.venue import reader, relay
from broadcaster.venue.relay import Relay
from broadcaster.venue.rows import AccountRows
from shared.markets import format_price, format_quantity
from tests.broadcaster.running import Running, running
from tests.support.deadlines import eventually_async
from tests.support.fake_engine import Levels, inr_market, venue_with_markets
from tests.support.feed_client import BookView
from tests.support.redis_server import RedisServer

MARKET = "TATA_INR"
CHANNEL = f"depth:{MARKET}"
BATCHES = 2_000


def as_text(levels: Levels) -> dict[str, str]:
    market = inr_market("TATA")
    return {
        format_price(market, ticks): format_quantity(market, 2, lots)
        for ticks, lots in levels.items()
    }


def assert_same_book(view: BookView, venue: Running, market: str = MARKET) -> None:
    bids, asks = venue.engine.books[market]
    assert (view.bids, view.asks) == (as_text(bids), as_text(asks))


async def test_a_subscriber_gets_a_snapshot_then_deltas(redis_url: str) -> None:
    async with running(redis_url) as venue:
        venue.engine.change_depth(MARKET, bids={2_000: 3, 1_999: 1}, asks={2_001: 7})
        venue.engine.commit()
        await venue.in_step()
        client = await venue.client(CHANNEL)
        snapshot = await client.next()
        assert snapshot == {
            "type": "snapshot",
            "channel": CHANNEL,
            "market": MARKET,
            "sequence": 1,
            "at_ns": venue.engine.at_ns,
            "bids": [["100", "3"], ["99.95", "1"]],
            "asks": [["100.05", "7"]],
            "crc32": crc32(b"100:3:99.95:1:100.05:7"),
        }
        venue.engine.change_depth(MARKET, bids={2_000: 0})
        venue.engine.change_depth(MARKET, bids={1_998: 2}, asks={2_001: 4})
        venue.engine.commit()
        assert await client.next() == {
            "type": "delta",
            "channel": CHANNEL,
            "market": MARKET,
            "first_sequence": 2,
            "last_sequence": 3,
            "at_ns": venue.engine.at_ns,
            "bids": [["100", "0"], ["99.9", "2"]],
            "asks": [["100.05", "4"]],
            "crc32": crc32(b"99.95:1:99.9:2:100.05:4"),
        }
        await client.connection.close()


def random_batch(venue: Running, seed: random.Random) -> None:
    """Commit some random changes; some batches are doubled, late, or never published."""
    for _ in range(seed.randint(1, 4)):
        sides: list[Levels] = [
            {
                seed.randint(*prices): seed.choice((0, 0, 1, 2, 50))
                for _ in range(seed.randint(0, 3))
            }
            for prices in ((1_980, 2_000), (2_001, 2_020))
        ]
        venue.engine.change_depth(MARKET, *sides)
    batch = venue.engine.commit(publish=seed.random() > 0.1)
    if seed.random() < 0.1:
        venue.engine.publish(batch)


async def test_the_book_of_a_client_equals_the_rows_after_each_of_many_batches(
    each_redis_url: str,
) -> None:
    seed = random.Random(20_261_121)
    async with running(each_redis_url) as venue:
        client = await venue.client(CHANNEL)
        sequence = 0
        for _ in range(BATCHES):
            before = venue.engine.sequence
            random_batch(venue, seed)
            sequence += venue.engine.sequence - before
            venue.engine.beat()
            view = await client.until_sequence(MARKET, sequence)
            assert_same_book(view, venue)
        assert view.reasons == [""], "only the first snapshot was ever needed"
        assert venue.relay.fill_count > 1, "no message was ever missing: the test proves too little"
        await client.connection.close()


async def test_a_withheld_message_is_repaired_by_the_next_one(each_redis_url: str) -> None:
    async with running(each_redis_url) as venue:
        client = await venue.client(CHANNEL)
        venue.engine.change_depth(MARKET, bids={1: 1})
        venue.engine.commit(publish=False)
        venue.engine.change_depth(MARKET, bids={2: 1})
        venue.engine.commit()
        view = await client.until_sequence(MARKET, 2)
        assert_same_book(view, venue)
        assert view.reasons == [""]
        await client.connection.close()


async def test_messages_out_of_order_reach_clients_in_order(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        batches = []
        for price in range(1, 30):
            venue.engine.change_depth(MARKET, bids={price: price})
            batches.append(venue.engine.commit(publish=False))
        random.Random(5).shuffle(batches)
        for batch in batches:
            venue.engine.publish(batch)
        view = await client.until_sequence(MARKET, 29)
        assert_same_book(view, venue)
        await client.connection.close()


async def test_silence_after_a_commit_is_found_by_the_heartbeat(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        venue.engine.change_depth(MARKET, asks={5: 5})
        venue.engine.commit(publish=False)
        venue.engine.beat()
        assert_same_book(await client.until_sequence(MARKET, 1), venue)
        await client.connection.close()


async def test_a_trimmed_stream_leads_to_a_resync_snapshot(each_redis_url: str) -> None:
    async with running(each_redis_url) as venue:
        client = await venue.client(CHANNEL)
        for price in range(1, 4):
            venue.engine.change_depth(MARKET, bids={price: 1})
            venue.engine.commit(publish=False)
        venue.engine.trim()
        venue.engine.change_depth(MARKET, bids={9: 1})
        venue.engine.commit()
        view = await client.until_sequence(MARKET, 4)
        assert_same_book(view, venue)
        assert view.reasons[-1] == "resync"
        venue.engine.change_depth(MARKET, bids={9: 0})
        venue.engine.commit()
        assert_same_book(await client.until_sequence(MARKET, 5), venue)
        await client.connection.close()


async def test_a_stream_trimmed_to_nothing_leads_to_a_resync_snapshot(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        venue.engine.change_depth(MARKET, bids={3: 1})
        venue.engine.commit(publish=False)
        venue.engine.trim()
        venue.engine.beat()
        view = await client.until_sequence(MARKET, 1)
        assert_same_book(view, venue)
        await client.connection.close()


async def test_a_subscription_renewed_while_the_stream_is_read_is_another_gap(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        reads = 0

        async def read_then_renew(*args: Any) -> reader.EventPage:
            nonlocal reads
            reads += 1
            page = await reader.read_events(*args)
            if reads == 1:  # What happens now is neither on this page nor heard.
                venue.engine.change_depth(MARKET, bids={3: 1})
                venue.engine.commit(publish=False)
                venue.redis.client_kill_filter(_type="pubsub")
                await eventually_async(lambda: not venue.relay.is_connected)
                await eventually_async(lambda: venue.relay.is_connected)
            return page

        monkeypatch.setattr(relay, "read_events", read_then_renew)
        venue.engine.change_depth(MARKET, bids={2: 1})
        venue.engine.commit(publish=False)
        venue.engine.beat()
        assert_same_book(await client.until_sequence(MARKET, 2), venue)
        await client.connection.close()


async def test_an_unreadable_live_batch_is_read_from_the_stream(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        reads = 0

        async def read_while_nonsense_comes(*args: Any) -> reader.EventPage:
            nonlocal reads
            reads += 1
            page = await reader.read_events(*args)
            if reads == 1:
                venue.relay._on_batch(b"nonsense")
            return page

        monkeypatch.setattr(relay, "read_events", read_while_nonsense_comes)
        venue.engine.publish(b"nonsense")
        await eventually_async(lambda: reads >= 2)
        venue.engine.change_depth(MARKET, bids={2: 1})
        venue.engine.commit()
        view = await client.until_sequence(MARKET, 1)
        assert_same_book(view, venue)
        assert view.reasons == [""]
        await client.connection.close()


async def test_an_unreadable_heartbeat_is_a_doubt_and_ends_nothing(redis_url: str) -> None:
    async with running(redis_url) as venue:
        fills = venue.relay.fill_count
        for nonsense in (b"", b"one two", b"1", b"1 2 3", b"\xff"):
            venue.redis.publish(venue.keys.heartbeat_channel, nonsense)
        await eventually_async(lambda: venue.relay.fill_count > fills)
        venue.engine.change_depth(MARKET, bids={2: 1})
        venue.engine.commit()
        await venue.in_step()


async def test_an_unreadable_batch_in_the_stream_leads_to_a_resync_snapshot(
    redis_url: str,
) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        venue.engine.change_depth(MARKET, bids={2: 1})
        venue.engine.commit(publish=False)
        venue.redis.xtrim(venue.keys.events, maxlen=0, approximate=False)
        venue.redis.xadd(venue.keys.events, {"e": b"nonsense"}, id=f"{venue.engine.sequence + 1}-0")
        venue.engine.beat()
        view = await client.until_sequence(MARKET, 1)
        assert_same_book(view, venue)
        venue.redis.xdel(venue.keys.events, f"{venue.engine.sequence + 1}-0")
        await venue.in_step()
        await client.connection.close()


async def test_account_reads_that_fail_are_told_once_and_made_up_for(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(redis_url) as venue:
        calls: list[float] = []
        told: list[str] = []
        failures = 4

        async def read_or_fail(*args: Any, **options: Any) -> AccountRows | None:
            calls.append(asyncio.get_running_loop().time())
            if len(calls) <= failures:
                raise ConnectionError("away")
            return await reader.read_account(*args, **options)

        monkeypatch.setattr(relay, "read_account", read_or_fail)
        monkeypatch.setattr(relay._log, "warning", lambda event, **_: told.append(event))
        client = await venue.client()
        await client.ask(op="auth", token="account-7")
        await client.ask(op="subscribe", channels=["account"])
        assert (await client.next())["type"] == "snapshot"
        assert told == ["account_read_failed"]
        await client.connection.close()


async def test_a_reset_venue_leads_to_a_resync_snapshot(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        venue.engine.change_depth(MARKET, bids={3: 3})
        venue.engine.commit()
        await client.until_sequence(MARKET, 1)
        venue.redis.flushdb()
        venue.engine = venue_with_markets(venue.redis, venue.keys, "TATA")
        venue.engine.beat()
        await venue.in_step()
        while client.books[MARKET].reasons[-1] != "resync":
            await client.next()
        assert_same_book(client.books[MARKET], venue)
        await client.connection.close()


async def test_a_lost_subscription_is_a_gap(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        for price in range(1, 20):
            venue.redis.client_kill_filter(_type="pubsub")
            venue.engine.change_depth(MARKET, bids={price: price})
            venue.engine.commit()
        view = await client.until_sequence(MARKET, 19)
        assert_same_book(view, venue)
        assert view.reasons == [""]
        await client.connection.close()


async def test_a_new_market_appears_while_running(redis_url: str) -> None:
    async with running(redis_url) as venue:
        venue.engine.create_asset("JIO")
        venue.engine.create_market(inr_market("JIO"))
        venue.engine.change_depth("JIO_INR", bids={7: 7})
        venue.engine.commit()
        await venue.in_step()
        client = await venue.client("depth:JIO_INR")
        view = await client.until_sequence("JIO_INR", 1)
        assert_same_book(view, venue, "JIO_INR")
        await client.connection.close()


async def test_many_batches_while_redis_is_away_are_all_taken_over(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await venue.client(CHANNEL)
        await venue.relay.close()
        for price in range(1, 400):
            venue.engine.change_depth(MARKET, bids={price % 50: price})
            venue.engine.commit()
        venue.relay = Relay(redis_url, venue.keys, venue.feed)
        await venue.relay.start()
        view = await client.until_sequence(MARKET, 399)
        assert_same_book(view, venue)
        assert view.reasons == [""], "everything came from the stream"
        await asyncio.gather(venue.relay.close(), client.connection.close())


async def test_a_killed_redis_comes_back_and_no_client_notices(redis_server: RedisServer) -> None:
    async with running(redis_server.url) as venue:
        client = await venue.client(CHANNEL)
        for price in range(1, 6):
            redis_server.kill()
            await eventually_async(lambda: not venue.relay.is_connected)
            await asyncio.to_thread(redis_server.start)
            venue.engine.change_depth(MARKET, bids={price: price})
            venue.engine.commit()
        view = await client.until_sequence(MARKET, 5)
        assert_same_book(view, venue)
        assert view.reasons == [""]
        await client.connection.close()
