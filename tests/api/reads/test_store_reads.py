"""The reads, on rows as a commit writes them; no engine runs here."""

import asyncio
import itertools
from collections.abc import Iterator

import httpx
import pytest

from api.gateway import Gateway
from shared.messages import (
    FeeTier,
    MarketRules,
    MarketStatus,
    OrderStatus,
    OrderTerms,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    StatusReason,
    TimeInForce,
)
from shared.redis_client import connect
from shared.wire import CommandResult, FillReport, TradeRow
from tests.api.exchange import token_for
from tests.api.ledger_rows import Rows, order
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer


@pytest.fixture(autouse=True)
def accounts_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are of the accounts 1, 2, ..., so the users of these tests get them in order."""
    monkeypatch.setattr("api.identity.users.draw_account_id", itertools.count(1).__next__)


@pytest.fixture
def rows(redis_url: str) -> Iterator[Rows]:
    with Rows(redis_url) as rows:
        rows.market()
        yield rows


async def test_markets_and_assets_speak_in_decimals(client: httpx.AsyncClient, rows: Rows) -> None:
    (market,) = (await client.get("/markets")).json()["markets"]
    assert market == {
        "market": "TATA_INR",
        "base": "TATA",
        "quote": "INR",
        "price_tick": "0.05",
        "quantity_lot": "0.1",
        "fee_asset": "received",
        "maker_fee_ppm": 100,
        "taker_fee_ppm": 200,
        "fee_tiers": [],
        "price_step": "0.05",
        "quantity_step": "0.1",
        "min_quantity": "0.1",
        "max_quantity": None,
        "min_notional": None,
        "buy_band_ppm": None,
        "sell_band_ppm": None,
        "open_orders_max": None,
        "self_trade": "allow",
        "status": "open",
        "status_reason": "operator",
        "status_until_ns": None,
    }
    assets = (await client.get("/api/v1/assets")).json()["assets"]
    assert assets == [{"asset": "INR", "scale": 2}, {"asset": "TATA", "scale": 1}]


async def test_a_market_shows_its_rules_and_its_status(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    rules = MarketRules(
        maker_fee_ppm=-50,
        taker_fee_ppm=300,
        tiers=(FeeTier(-60, 250),),
        self_trade=SelfTrade.DECREMENT,
        price_step_ticks=4,
        quantity_step_lots=5,
        quantity_min_lots=10,
        quantity_max_lots=10_000,
        notional_min_atoms=12_550,
        buy_band_ppm=100_000,
        sell_band_ppm=200_000,
        open_orders_max=50,
    )
    until_ns = 1_700_000_000_000_000_000
    rows.market(rules)
    rows.state(17, MarketStatus.HALTED, StatusReason.VOLATILITY, until_ns)
    (market,) = (await client.get("/markets")).json()["markets"]
    assert {name: market[name] for name in list(market)[6:]} == {
        "maker_fee_ppm": -50,
        "taker_fee_ppm": 300,
        "fee_tiers": [{"maker_fee_ppm": -60, "taker_fee_ppm": 250}],
        "price_step": "0.2",
        "quantity_step": "0.5",
        "min_quantity": "1",
        "max_quantity": "1000",
        "min_notional": "125.5",
        "buy_band_ppm": 100_000,
        "sell_band_ppm": 200_000,
        "open_orders_max": 50,
        "self_trade": "decrement",
        "status": "halted",
        "status_reason": "volatility",
        "status_until_ns": until_ns,
    }


async def test_an_order_shows_all_that_it_has(client: httpx.AsyncClient, rows: Rows) -> None:
    headers = await token_for(client, "alice")
    terms = OrderTerms(
        stop_price_ticks=2_000,
        trail_ticks=30,
        watermark_ticks=1_970,
        display_lots=5,
        peer_order_id=6,
        child_order_id=7,
        parent_order_id=8,
    )
    special = order(
        5,
        1,
        type=OrderType.TRAILING_STOP,
        status=OrderStatus.PENDING,
        time_in_force=TimeInForce.GTD,
        expires_at_ns=99,
        post_only=True,
        self_trade=SelfTrade.EXPIRE_BOTH,
        price_ticks=0,
        terms=terms,
    )
    rows.open_order(special)
    rows.open_order(order(6, 1))
    shown, plain = (await client.get("/order/open", headers=headers)).json()["orders"]
    names = (
        "status", "price", "stop_price", "trail", "trail_ppm", "display_quantity", "expires_at_ns",
        "post_only", "self_trade", "peer_order_id", "parent_order_id", "child_order_id",
    )  # fmt: skip
    assert [shown[name] for name in names] == [
        "pending", None, "100", "1.5", None, "0.5", 99, True, "expire_both", 6, 8, 7,
    ]  # fmt: skip
    assert [plain[name] for name in names] == [
        "open", "101.5", None, None, None, None, None, False, "allow", None, None, None,
    ]  # fmt: skip


async def test_the_answer_to_a_cancel_all_is_found_by_its_key(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    headers = await token_for(client, "alice")
    rows.result(1, "sweep", CommandResult(1, 1, 1, b"12345678", count=0))
    found = await client.get("/order?idempotency_key=sweep", headers=headers)
    assert (found.status_code, found.json()) == (
        200,
        {"count": 0, "n": 1, "sequence": 1, "replayed": True, "idempotency_key": "sweep"},
    )


async def test_depth_is_best_first_with_the_markets_sequence(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    for field, lots in (("b2030", 25), ("b2020", 10), ("b9", 1), ("a2031", 7), ("a10000", 3)):
        rows.level(field, lots)
    rows.state(17)
    depth = (await client.get("/depth?market=TATA_INR&levels=2")).json()
    assert depth == {
        "market": "TATA_INR",
        "sequence": 17,
        "bids": [["101.5", "2.5"], ["101", "1"]],
        "asks": [["101.55", "0.7"], ["500", "0.3"]],
    }


async def test_a_market_without_orders_has_an_empty_depth(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    depth = (await client.get("/depth/?market=TATA_INR")).json()
    assert (depth["sequence"], depth["bids"], depth["asks"]) == (0, [], [])


async def test_recent_trades_come_newest_first(client: httpx.AsyncClient, rows: Rows) -> None:
    rows.trade(TradeRow(1, 1_000, 2_030, 25, Side.BUY))
    rows.trade(TradeRow(2, 2_000, 2_031, 1, Side.SELL))
    trades = (await client.get("/trades?market=TATA_INR&limit=5")).json()["trades"]
    assert trades == [
        {
            "trade_id": 2,
            "price": "101.55",
            "quantity": "0.1",
            "side": "sell",
            "buyer_is_maker": True,
            "at_ns": 2_000,
        },
        {
            "trade_id": 1,
            "price": "101.5",
            "quantity": "2.5",
            "side": "buy",
            "buyer_is_maker": False,
            "at_ns": 1_000,
        },
    ]


async def test_balances_are_the_tokens_and_name_every_asset(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    bob = await token_for(client, "bobby")
    rows.balance(1, "INR", 100_050, 25_375)
    seen = (await client.get("/balances", headers=alice)).json()
    assert seen == {
        "account_id": 1,
        "balances": {
            "INR": {"available": "1000.5", "held": "253.75", "total": "1254.25"},
            "TATA": {"available": "0", "held": "0", "total": "0"},
        },
        "sequence": 1,
    }
    other = (await client.get("/api/v1/balances/", headers=bob)).json()
    assert other["balances"]["INR"]["total"] == "0"


async def test_open_orders_are_the_tokens_oldest_first(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    bob = await token_for(client, "bobby")
    rows.open_order(order(12, 1))
    rows.open_order(order(9, 1, filled_lots=5, status=OrderStatus.PARTIALLY_FILLED))
    rows.open_order(order(10, 2))
    seen = (await client.get("/api/v1/order/open?market=TATA_INR", headers=alice)).json()
    assert [row["order_id"] for row in seen["orders"]] == [9, 12]
    assert seen["orders"][0]["remaining_quantity"] == "2"
    assert seen["orders"][0]["status"] == "partially_filled"
    seen = (await client.get("/order/open/", headers=bob)).json()
    assert [row["order_id"] for row in seen["orders"]] == [10]


async def test_nobody_sees_anothers_order_nor_learns_that_it_exists(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    tokens = {1: await token_for(client, "alice"), 2: await token_for(client, "bobby")}
    rows.open_order(order(1, 1))
    rows.closed_order(order(2, 2, status=OrderStatus.FILLED))
    unknown = (await client.get("/order/999", headers=tokens[1])).json()
    for order_id, owner in ((1, 1), (2, 2)):
        for account_id, token in tokens.items():
            for path in (f"/order/{order_id}", f"/api/v1/order?order_id={order_id}"):
                response = await client.get(path, headers=token)
                if account_id == owner:
                    assert response.json()["order_id"] == order_id
                    continue
                assert response.status_code == 404
                same = {**response.json(), "request_id": unknown["request_id"]}
                assert same == unknown


async def test_an_open_order_is_found_by_the_clients_own_name(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    rows.open_order(order(7, 1))
    found = await client.get("/order?client_order_id=c7", headers=alice)
    assert found.json()["order_id"] == 7
    missing = await client.get("/order?client_order_id=c8", headers=alice)
    assert (missing.status_code, missing.json()["code"]) == (404, "UNKNOWN_ORDER")


async def test_market_orders_have_no_price_and_budgets_no_quantity(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    by_budget = order(
        5,
        1,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price_ticks=0,
        quantity_lots=0,
        budget_atoms=100_001,
        filled_lots=98,
        filled_quote_atoms=99_470,
        fee_atoms=1,
        status=OrderStatus.EXPIRED,
    )
    rows.closed_order(by_budget)
    seen = (await client.get("/order/5", headers=alice)).json()
    assert (seen["price"], seen["quantity"], seen["remaining_quantity"]) == (None, None, None)
    assert (seen["quote_quantity"], seen["filled_quantity"]) == ("1000.01", "9.8")
    assert (seen["filled_quote"], seen["fee"], seen["fee_asset"]) == ("994.7", "0.1", "TATA")


async def test_a_stored_answer_is_found_by_its_key(client: httpx.AsyncClient, rows: Rows) -> None:
    alice = await token_for(client, "alice")
    bob = await token_for(client, "bobby")
    fills = (FillReport(3, 2_030, 25, 5),)
    filled = order(4, 1, filled_lots=25, fee_atoms=5, status=OrderStatus.FILLED)
    rows.result(1, "k1", CommandResult(8, 1, 21, b"f", order=filled, fills=fills))
    rows.result(1, "k2", CommandResult(9, 1, 22, b"f", Reject.INSUFFICIENT_FUNDS, "price_ticks"))
    seen = (await client.get("/order?idempotency_key=k1", headers=alice)).json()
    assert (seen["order_id"], seen["n"], seen["sequence"], seen["replayed"]) == (4, 8, 21, True)
    assert seen["fills"] == [
        {"trade_id": 3, "price": "101.5", "quantity": "2.5", "fee": "0.5", "fee_asset": "TATA"}
    ]
    refused = await client.get("/order?idempotency_key=k2", headers=alice)
    assert (refused.status_code, refused.json()["code"]) == (422, "INSUFFICIENT_FUNDS")
    assert (refused.json()["field"], refused.json()["n"]) == ("price", 9)
    for_bob = await client.get("/order?idempotency_key=k1", headers=bob)
    assert (for_bob.status_code, for_bob.json()["code"]) == (404, "UNKNOWN_IDEMPOTENCY_KEY")


async def test_a_journalled_request_without_an_answer_yet_is_told_to_wait(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    rows.commit(5)
    response = await client.get("/order?idempotency_key=k&n=6", headers=alice)
    assert response.status_code == 202
    response = await client.get("/order?idempotency_key=k&n=5", headers=alice)
    assert response.status_code == 404


async def test_a_read_waits_for_the_sequence_it_wants(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    reading = asyncio.create_task(client.get("/depth?market=TATA_INR&min_sequence=2"))
    rows.commit(2)
    assert (await reading).status_code == 200
    response = await client.get("/depth?market=TATA_INR&min_sequence=3")
    assert (response.status_code, response.json()["code"]) == (409, "SEQUENCE_NOT_REACHED")


async def test_a_read_that_waits_does_not_read_the_book_again_and_again(
    client: httpx.AsyncClient, rows: Rows, redis_url: str
) -> None:
    await client.get("/depth?market=TATA_INR")
    with connect(redis_url) as redis:
        redis.config_resetstat()
        response = await client.get("/depth?market=TATA_INR&min_sequence=9000000000000000000")
        stats = redis.info("commandstats")
    assert response.status_code == 409
    assert "cmdstat_hget" in stats
    assert "cmdstat_hgetall" not in stats


async def test_without_an_engine_reads_go_on_and_orders_are_refused_at_once(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    body = {"market": "TATA_INR", "side": "buy", "price": "1", "quantity": "1"}
    response = await client.post("/order", json=body, headers=alice)
    assert (response.status_code, response.json()["code"]) == (503, "ENGINE_UNAVAILABLE")
    assert response.headers["retry-after"] == "1"
    assert response.json()["idempotency_key"]
    assert (await client.get("/balances", headers=alice)).status_code == 200
    ready = (await client.get("/ready")).json()
    assert set(ready.pop("breakers").values()) == {"closed"}
    assert ready == {
        "ready": False,
        "redis": True,
        "engine": False,
        "users": True,
    }


async def test_without_redis_everything_is_refused_and_it_comes_back(
    client: httpx.AsyncClient, rows: Rows, gateway: Gateway, redis_server: RedisServer
) -> None:
    alice = await token_for(client, "alice")
    body = {"market": "TATA_INR", "side": "buy", "price": "1", "quantity": "1"}
    await client.get("/depth?market=TATA_INR")
    redis_server.kill()
    await eventually_async(lambda: not gateway.bus.redis_is_up)
    requests = (("POST", "/order", body), ("GET", "/balances", None), ("GET", "/order/1", None))
    for method, path, content in requests:
        response = await client.request(method, path, json=content, headers=alice)
        assert (response.status_code, response.json()["code"]) == (503, "REDIS_UNAVAILABLE")
    assert (await client.get("/health")).status_code == 200
    redis_server.start()

    async def reads_again() -> bool:
        return (await client.get("/balances", headers=alice)).status_code == 200

    await eventually_async(reads_again)
