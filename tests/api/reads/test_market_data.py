"""Markets, assets and the time as they are now, and every read's wait for its sequence."""

import itertools
import time
from collections.abc import Iterator

import httpx
import pytest

from shared.messages import MarketRules, MarketStatus
from tests.api.exchange import token_for
from tests.api.ledger_rows import Rows, order


@pytest.fixture(autouse=True)
def accounts_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are of the accounts 1, 2, ..., so the users of these tests get them in order."""
    monkeypatch.setattr("api.identity.users.draw_account_id", itertools.count(1).__next__)


@pytest.fixture
def rows(redis_url: str) -> Iterator[Rows]:
    with Rows(redis_url) as rows:
        rows.market()
        yield rows


async def test_one_market_and_one_asset_are_shown_as_in_the_lists(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    rows.state(1, MarketStatus.POST_ONLY)
    (market,) = (await client.get("/markets")).json()["markets"]
    assert (await client.get("/api/v1/markets/TATA_INR")).json() == market
    assert (await client.get("/markets/TATA_INR/?min_sequence=1")).json() == market
    assets = (await client.get("/api/v1/assets")).json()["assets"]
    assert (await client.get("/api/v1/assets/INR")).json() == assets[0]
    for path, code in (
        ("/markets/NOPE", "UNKNOWN_MARKET"),
        ("/api/v1/assets/NOPE", "UNKNOWN_ASSET"),
    ):
        response = await client.get(path)
        assert (response.status_code, response.json()["code"]) == (404, code)


async def test_every_read_of_a_state_waits_for_the_sequence_it_wants(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    rows.open_order(order(7, 1))
    for path in (
        "/markets",
        "/markets/TATA_INR",
        "/api/v1/assets",
        "/depth?market=TATA_INR",
        "/trades?market=TATA_INR",
        "/balances",
        "/order/open",
        "/order/7",
        "/order?order_id=7",
        "/order?client_order_id=c7",
        "/api/v1/order/cancel-timer",
    ):
        query = "&" if "?" in path else "?"
        assert (await client.get(f"{path}{query}min_sequence=1", headers=alice)).status_code == 200
        response = await client.get(f"{path}{query}min_sequence=2", headers=alice)
        assert (response.status_code, response.json()["code"]) == (409, "SEQUENCE_NOT_REACHED")


async def test_new_rules_and_new_assets_are_shown_at_once(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    alice = await token_for(client, "alice")
    await client.get("/markets")
    await client.get("/balances", headers=alice)
    rows.market(MarketRules(open_orders_max=9))
    rows.asset("NEW", 3)
    (market,) = (await client.get("/markets")).json()["markets"]
    assert market["open_orders_max"] == 9
    assert (await client.get("/markets/TATA_INR")).json() == market
    balances = (await client.get("/balances", headers=alice)).json()["balances"]
    assert balances["NEW"] == {"available": "0", "held": "0", "total": "0"}


async def test_the_time_is_told_in_two_units(client: httpx.AsyncClient) -> None:
    before_ns = time.time_ns()
    told = (await client.get("/time")).json()
    assert before_ns <= told["time_ns"] <= time.time_ns()
    assert told["time_ms"] == told["time_ns"] // 1_000_000
