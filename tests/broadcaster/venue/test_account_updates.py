"""The account channel on a real Redis: a snapshot, every update once, and only to its owner."""

import asyncio
from typing import Any

import pytest

from broadcaster.clients.limits import CONNECTIONS_PER_ACCOUNT_MAX
from broadcaster.venue import reader, relay
from tests.broadcaster.running import Running, running
from tests.support.deadlines import eventually_async
from tests.support.fake_engine import inr_market
from tests.support.feed_client import FeedClient, Message

MARKET = "TATA_INR"
ALICE, BOB = 1, 2


async def owner(venue: Running, account_id: int = ALICE) -> FeedClient:
    client = await venue.client()
    answer = await client.ask(op="auth", token=f"account-{account_id}", id="a")
    assert answer["op"] == "authenticated", answer
    answer = await client.ask(op="subscribe", channels=["account"])
    assert answer["op"] == "subscribed", answer
    return client


def assert_no_hole(messages: list[Message]) -> None:
    sequence = messages[0]["sequence"]
    assert messages[0]["type"] == "snapshot"
    for message in messages[1:]:
        if message["type"] == "snapshot":
            sequence = message["sequence"]
        else:
            sequence += 1
            assert message["sequence"] == sequence


async def test_a_snapshot_shows_balances_and_open_orders(redis_url: str) -> None:
    async with running(redis_url) as venue:
        venue.engine.deposit(ALICE, "INR", 123_45)
        venue.engine.deposit(BOB, "INR", 99)
        venue.engine.accept(ALICE, 11, MARKET, price_ticks=2_001)
        venue.engine.commit()
        client = await owner(venue)
        await client.until_account(2)
        (snapshot,) = client.account
        (order,) = snapshot.pop("open_orders")
        assert snapshot == {
            "type": "snapshot",
            "channel": "account",
            "account_id": ALICE,
            "sequence": 2,
            "balances": [{"asset": "INR", "available": "123.45", "held": "0"}],
        }
        assert order == {
            "order_id": 11,
            "client_order_id": "mine-11",
            "market": MARKET,
            "side": "buy",
            "type": "limit",
            "time_in_force": "gtc",
            "status": "open",
            "price": "100.05",
            "quantity": "3",
            "quote_quantity": None,
            "filled_quantity": "0",
            "remaining_quantity": "3",
            "filled_quote": "0",
            "fee": "0",
            "fee_asset": "TATA",
            "placed_at_ns": venue.engine.at_ns - 1_000_000,
            "updated_at_ns": venue.engine.at_ns - 1_000_000,
            "stop_price": None,
            "trail": None,
            "trail_ppm": None,
            "display_quantity": None,
            "expires_at_ns": None,
            "post_only": False,
            "self_trade": "allow",
            "peer_order_id": None,
            "parent_order_id": None,
            "child_order_id": None,
        }
        await client.connection.close()


async def test_an_account_that_nothing_happened_to_has_an_empty_snapshot(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await owner(venue, 77)
        await client.until_account(0)
        assert client.account[0]["sequence"] == 0
        assert client.account[0]["balances"] == client.account[0]["open_orders"] == []
        venue.engine.deposit(77, "INR", 5)
        venue.engine.commit()
        await client.until_account(1)
        assert client.account[1]["type"] == "deposited"
        await client.connection.close()


async def test_every_kind_of_update_arrives_in_order(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await owner(venue)
        await client.until_account(0)
        venue.engine.deposit(ALICE, "INR", 500, reference="wire-1")
        venue.engine.accept(ALICE, 1, MARKET)
        venue.engine.trade(MARKET, 100, 3, maker=ALICE, taker=BOB)
        venue.engine.cancel(1)
        venue.engine.commit()
        await client.until_account(4)
        kinds = [message["type"] for message in client.account]
        assert kinds == ["snapshot", "deposited", "accepted", "filled", "cancelled"]
        deposited, accepted, filled, cancelled = client.account[1:]
        assert deposited["balances"] == [{"asset": "INR", "available": "5", "held": "0"}]
        assert (deposited["amount"], deposited["reference"]) == ("5", "wire-1")
        assert (accepted["price"], accepted["quantity"], accepted["side"]) == ("5", "3", "buy")
        assert (filled["role"], filled["side"], filled["trade_id"]) == ("maker", "sell", 1)
        assert (filled["last_price"], filled["last_quantity"]) == ("5", "3")
        assert (filled["fee"], filled["fee_asset"]) == ("0.01", "INR")
        assert (cancelled["filled_quantity"], cancelled["remaining_quantity"]) == ("0", "3")
        assert_no_hole(client.account)
        await client.connection.close()


async def test_two_sockets_of_one_account_see_the_same_and_others_nothing(redis_url: str) -> None:
    async with running(redis_url) as venue:
        first, second, bob = await owner(venue), await owner(venue), await owner(venue, BOB)
        for client in (first, second, bob):
            await client.until_account(0)
        for _ in range(200):
            venue.engine.deposit(ALICE, "INR", 1)
            venue.engine.commit()
        venue.engine.deposit(BOB, "INR", 7)
        venue.engine.commit()
        await asyncio.gather(first.until_account(200), second.until_account(200))
        await bob.until_account(1)
        assert first.account == second.account
        assert len(first.account) == 201
        assert [message["type"] for message in bob.account] == ["snapshot", "deposited"]
        for client in (first, second, bob):
            await client.connection.close()


async def test_an_account_that_trades_with_itself_reads_both_sides(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await owner(venue)
        await client.until_account(0)
        venue.engine.trade(MARKET, 100, 1, maker=ALICE, taker=ALICE)
        venue.engine.commit()
        await client.until_account(2)
        assert [message["role"] for message in client.account[1:]] == ["maker", "taker"]
        assert_no_hole(client.account)
        await client.connection.close()


async def test_no_update_is_lost_or_doubled_while_snapshots_are_read(redis_url: str) -> None:
    rounds = CONNECTIONS_PER_ACCOUNT_MAX
    async with running(redis_url) as venue:
        clients = []
        for number in range(rounds):
            venue.engine.deposit(ALICE, "INR", 1)
            venue.engine.commit(publish=number % 5 != 0)
            client = await venue.client()
            await client.send(op="auth", token=f"account-{ALICE}")
            await client.send(op="subscribe", channels=["account"])
            venue.engine.deposit(ALICE, "INR", 1)
            venue.engine.commit()
            clients.append(client)
        total = 2 * rounds
        for client in clients:
            await client.until_account(total)
            assert_no_hole(client.account)
            last = client.account[-1]["balances"]
            assert last == [{"asset": "INR", "available": f"{total / 100:g}", "held": "0"}]
            assert sum(message["type"] == "snapshot" for message in client.account) == 1
            await client.connection.close()


async def test_a_read_that_began_before_a_socket_joined_does_not_serve_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    go_on = asyncio.Event()
    read_account = reader.read_account

    async def slow_first_read(*args: Any, **kwargs: Any) -> Any:
        nonlocal reads
        reads += 1
        first = reads == 1
        rows = await read_account(*args, **kwargs)
        if first:
            await go_on.wait()
        return rows

    monkeypatch.setattr(relay, "read_account", slow_first_read)
    async with running(redis_url) as venue:
        first = await owner(venue)
        await eventually_async(lambda: reads == 1)
        venue.engine.deposit(ALICE, "INR", 5)
        venue.engine.commit()
        await venue.in_step()
        second = await owner(venue)
        go_on.set()
        for client in (first, second):
            await client.until_account(1)
            assert_no_hole(client.account)
        assert [message["type"] for message in second.account] == ["snapshot"]
        assert second.account[0]["balances"][0]["available"] == "0.05"
        for client in (first, second):
            await client.connection.close()


async def test_a_new_asset_is_never_missing_in_a_snapshot(redis_url: str) -> None:
    async with running(redis_url) as venue:
        venue.engine.create_asset("JIO")
        venue.engine.create_market(inr_market("JIO"))
        venue.engine.deposit(ALICE, "JIO", 100)
        venue.engine.accept(ALICE, 4, "JIO_INR")
        batch = venue.engine.commit(publish=False)
        client = await owner(venue)
        venue.engine.publish(batch)
        await client.until_account(2)
        assert client.account[0]["balances"] == [{"asset": "JIO", "available": "1", "held": "0"}]
        assert client.account[0]["open_orders"][0]["market"] == "JIO_INR"
        await client.connection.close()


async def test_a_resync_gives_accounts_a_new_snapshot(redis_url: str) -> None:
    async with running(redis_url) as venue:
        client = await owner(venue)
        await client.until_account(0)
        venue.engine.deposit(ALICE, "INR", 5)
        venue.engine.commit(publish=False)
        venue.engine.trim()
        venue.engine.deposit(ALICE, "INR", 5)
        venue.engine.commit()
        await client.until_account(2)
        assert [(message["type"], message["sequence"]) for message in client.account] == [
            ("snapshot", 0),
            ("snapshot", 2),
        ]
        assert client.account[1]["reason"] == "resync"
        await client.connection.close()


async def test_trades_are_contiguous_from_the_snapshot_on(redis_url: str) -> None:
    async with running(redis_url) as venue:
        for price in (10, 11):
            venue.engine.trade(MARKET, price, 1)
        venue.engine.commit()
        await venue.in_step()
        client = await venue.client(f"trades:{MARKET}")
        for price in (12, 13):
            venue.engine.trade(MARKET, price, 2)
        venue.engine.commit(publish=False)
        venue.engine.beat()
        while len(client.trades) < 3:
            await client.next()
        snapshot, *trades = client.trades
        assert snapshot["last_trade_id"] == 2
        assert [trade["trade_id"] for trade in snapshot["trades"]] == [2, 1]
        assert [trade["trade_id"] for trade in trades] == [3, 4]
        assert trades[0] == {
            "type": "trade",
            "channel": f"trades:{MARKET}",
            "market": MARKET,
            "trade_id": 3,
            "price": "0.6",
            "quantity": "2",
            "side": "buy",
            "at_ns": venue.engine.at_ns,
        }
        await client.connection.close()
