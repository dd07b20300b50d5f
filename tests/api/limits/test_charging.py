"""The limits as a client meets them."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from api.app import admin_app, public_app
from api.gateway import Gateway
from api.limits.charging import HEADERS
from api.limits.limiter import AccountLimits
from api.opening import open_gateway
from shared.addresses import Proxies
from shared.networks import parse_networks
from tests.api.admin.operators import log_in
from tests.api.conftest import client_of, settings_for
from tests.api.exchange import token_for
from tests.support.deadlines import eventually_async

WEIGHT, ORDERS, REFUSALS = 100, 5, 3
ORDER = {"market": "TATA_INR", "side": "buy", "price": "1.0", "quantity": "1"}


@pytest.fixture
async def strict(tmp_path: Path, redis_url: str) -> AsyncIterator[Gateway]:
    """A gateway with low limits, before a Redis without engine."""
    settings = msgspec.structs.replace(
        settings_for(tmp_path / "home", redis_url),
        limit_weight_minute=WEIGHT,
        limit_orders_10s=ORDERS,
        limit_refusals_minute=REFUSALS,
    )
    async with open_gateway(settings) as gateway:
        await eventually_async(lambda: gateway.bus.redis_is_up)
        gateway.limits.clock = lambda: 86_400.0 * 20_000
        yield gateway


@pytest.fixture
async def door(strict: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(public_app(strict, docs_enabled=True), strict) as client:
        yield client


async def test_every_answer_says_what_is_used(door: httpx.AsyncClient) -> None:
    for used, path in enumerate(("/time", "/nowhere", "/balances"), start=1):
        headers = (await door.get(path)).headers
        assert headers["x-ratelimit-weight-limit"] == str(WEIGHT)
        assert headers["x-ratelimit-weight-used"] == str(used)
        assert headers["x-ratelimit-weight-reset"] == "60"
    assert "x-ratelimit-weight-used" in (await door.get("/health")).headers


async def test_too_much_is_429_with_retry_after_and_then_418(door: httpx.AsyncClient) -> None:
    answers = [await door.get("/time") for _ in range(WEIGHT + REFUSALS + 2)]
    refused = answers[WEIGHT]
    assert [answer.status_code for answer in answers[:WEIGHT]] == [200] * WEIGHT
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["x-ratelimit-weight-used"] == str(WEIGHT)
    banned = answers[-1]
    assert (banned.status_code, banned.json()["code"]) == (418, "BANNED")
    assert banned.headers["retry-after"] == "120"
    assert (await door.get("/health")).status_code == 200


async def test_orders_are_counted_shown_and_refused_before_the_bus(
    door: httpx.AsyncClient, strict: Gateway
) -> None:
    # given a trader, and a market that the catalogue knows
    token = await token_for(door, "alice")
    weight = int((await door.get("/time")).headers["x-ratelimit-weight-used"])
    codes = []
    for _ in range(ORDERS + 1):
        response = await door.delete("/order/12", headers=token)
        codes.append(response.json()["code"])
    # then cancels count as orders, up to twice the limit
    assert set(codes) == {"ENGINE_UNAVAILABLE"}
    assert response.headers["x-ratelimit-orders-10s-limit"] == str(ORDERS)
    assert response.headers["x-ratelimit-orders-10s-used"] == str(ORDERS + 1)
    assert response.headers["x-ratelimit-orders-10s-reset"] == "10"
    assert response.headers["x-ratelimit-orders-day-used"] == str(ORDERS + 1)
    # and they weigh nothing
    assert response.headers["x-ratelimit-weight-used"] == str(weight)
    for _ in range(ORDERS):
        response = await door.delete("/order/12", headers=token)
    assert (response.status_code, response.json()["code"]) == (429, "TOO_MANY_ORDERS")
    assert response.headers["retry-after"] == "10"


async def test_a_refused_order_weighs_as_a_request(door: httpx.AsyncClient) -> None:
    token = await token_for(door, "alice")
    before = int((await door.get("/time")).headers["x-ratelimit-weight-used"])
    response = await door.post("/order", json={**ORDER, "side": 5}, headers=token)
    assert response.headers["x-ratelimit-weight-used"] == str(before + 1)
    assert "x-ratelimit-orders-10s-used" not in response.headers


async def test_a_page_of_ours_may_read_the_headers(strict: Gateway) -> None:
    app = public_app(strict, docs_enabled=True, cors_origins=("https://desk.example",))
    async with client_of(app, strict) as client:
        response = await client.get("/time", headers={"Origin": "https://desk.example"})
    exposed = {
        name.strip() for name in response.headers["access-control-expose-headers"].split(",")
    }
    assert set(HEADERS) <= exposed


async def test_the_operators_door_limits_nobody(strict: Gateway) -> None:
    async with client_of(admin_app(strict, docs_enabled=True), strict) as operators:
        answers = [await operators.get("/health/") for _ in range(WEIGHT + 10)]
        answers.append(await operators.get("/nowhere"))
    assert {answer.status_code for answer in answers} == {200, 404}
    assert "x-ratelimit-weight-used" not in answers[-1].headers


async def test_behind_a_proxy_of_ours_each_client_is_counted_apart(strict: Gateway) -> None:
    behind = dataclasses.replace(strict, proxies=Proxies(parse_networks("127.0.0.0/8")))
    async with client_of(public_app(behind, docs_enabled=True), behind) as door:
        for number in range(3):
            forwarded = {"X-Forwarded-For": f"198.51.100.7, 203.0.113.{number}"}
            headers = (await door.get("/time", headers=forwarded)).headers
            assert headers["x-ratelimit-weight-used"] == "1"


async def test_an_operator_lists_and_lifts_bans(strict: Gateway, door: httpx.AsyncClient) -> None:
    # given an address that went on after 429
    for _ in range(WEIGHT + REFUSALS + 2):
        await door.get("/time")
    async with client_of(admin_app(strict, docs_enabled=True), strict) as operators:
        token = await log_in(strict, operators, "root")
        path = "/api/v1/admin/limits/bans"
        # when an operator looks and lifts
        listed = (await operators.get(path, headers=token)).json()
        assert [ban["address"] for ban in listed["bans"]] == ["127.0.0.1"]
        assert listed["total"] == 1
        query = "?address=127.0.0.1&reason=a%20load%20test"
        lifted = await operators.delete(path + query, headers=token)
        assert lifted.status_code == 200, lifted.text
        again = await operators.delete(path + query, headers=token)
        assert (again.status_code, again.json()["code"]) == (404, "UNKNOWN_BAN")
        noted = await strict.audit.page(limit=10, action="ban.lift")
        trader = await token_for_trader(strict)
        assert (await operators.get(path, headers=trader)).status_code in (401, 403)
    # then it is let in, as far as its weight goes, and the action is noted
    assert (await door.get("/time")).status_code == 429
    assert [action.target for action in noted] == ["address:127.0.0.1"]


async def token_for_trader(gateway: Gateway) -> dict[str, str]:
    token = gateway.issuer.issue(
        user_id=1, account_id=1, role="trader", audience="rialto", session_id="of-a-test"
    )
    return {"Authorization": f"Bearer {token}"}


async def test_an_operator_gives_an_account_limits_of_its_own(
    strict: Gateway, door: httpx.AsyncClient
) -> None:
    alice = await token_for(door, "alice")
    found = await strict.users.find("alice")
    assert found is not None
    async with client_of(admin_app(strict, docs_enabled=True), strict) as operators:
        token = await log_in(strict, operators, "root")
        path = f"/api/v1/admin/accounts/{found[0].account_id}/limits"
        body = {"orders_per_10s": 1, "reason": "a noisy bot"}
        response = await operators.put(path, json=body, headers=token)
        assert response.status_code == 200, response.text
        assert response.json()["orders_per_10s"] == 1
        assert response.json()["orders_per_day"] is None
        # then it holds at once, and is shown
        order = await door.delete("/order/12", headers=alice)
        assert order.headers["x-ratelimit-orders-10s-limit"] == "1"
        # and is taken back with neither
        response = await operators.put(path, json={"reason": "it behaves"}, headers=token)
        assert response.json()["orders_per_10s"] is None
        assert strict.limits.own_limits == {}
        nobodys = f"/api/v1/admin/accounts/{found[0].account_id ^ 1}/limits"
        unknown = await operators.put(nobodys, json=body, headers=token)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "UNKNOWN_USER")
    noted = await strict.audit.page(limit=10, action="account.limits")
    assert len(noted) == 2


async def test_limits_of_accounts_are_found_again(tmp_path: Path, redis_url: str) -> None:
    settings = settings_for(tmp_path / "home", redis_url)
    async with open_gateway(settings) as gateway:
        await gateway.account_limits.set(7, AccountLimits(orders_per_day=9))
    async with open_gateway(settings) as gateway:
        assert gateway.limits.own_limits == {7: AccountLimits(orders_per_day=9)}
