"""What clients hear while something that the gateway needs is gone: 503, without a wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from api.app import public_app
from api.gateway import Gateway
from api.opening import open_gateway
from api.reads.store import POOL_SIZE_MAX
from shared import breaker as breaker_module
from shared.breaker import State
from tests.api.conftest import client_of, settings_for
from tests.api.exchange import token_for
from tests.shared.bus_bench import standing_still
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

ORDER = {"market": "TATA_INR", "side": "buy", "price": "1.0", "quantity": "1"}
QUESTIONS = 30


@asynccontextmanager
async def a_door(
    home: Path, redis_url: str, *, limits_url: str = ""
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    settings = msgspec.structs.replace(settings_for(home, redis_url), limits_redis_url=limits_url)
    async with open_gateway(settings) as gateway:
        await eventually_async(lambda: gateway.bus.redis_is_up)
        async with client_of(public_app(gateway, docs_enabled=False), gateway) as client:
            yield gateway, client


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(redis_url) as proxy:
        yield proxy


async def code(client: httpx.AsyncClient, path: str) -> tuple[int, str]:
    response = await client.get(path)
    return response.status_code, response.json().get("code", "")


async def breakers(client: httpx.AsyncClient) -> dict[str, str]:
    states: dict[str, str] = (await client.get("/ready")).json()["breakers"]
    return states


async def test_after_the_first_failure_a_hung_redis_is_not_asked_again(
    tmp_path: Path, proxy: TcpProxy, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 3_600.0)
    door = a_door(tmp_path / "home", proxy.url, limits_url=redis_url)
    async with door as (gateway, client):
        # given a Redis that takes bytes and says nothing, and one who found out
        proxy.passing.clear()
        assert await code(client, "/markets") == (503, "REDIS_UNAVAILABLE")
        before = (proxy.connections, proxy.requests)
        # when many ask
        answers = {await code(client, "/markets") for _ in range(QUESTIONS)}
        # then all hear it, and nothing went over the wire for them: there was no wait for it
        assert answers == {(503, "REDIS_UNAVAILABLE")}
        assert (proxy.connections, proxy.requests) == before
        assert gateway.store.breaker.opened == 1
        assert (await breakers(client))["reads"] == "open"


async def test_while_redis_stands_still_reads_recover_by_themselves(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with a_door(tmp_path / "home", redis_server.url) as (gateway, client):
        with standing_still(redis_server.pid):
            assert await code(client, "/markets") == (503, "REDIS_UNAVAILABLE")
            assert gateway.store.breaker.state is not State.CLOSED
        await eventually_async(lambda: gateway.store.breaker.is_closed)
        assert (await client.get("/markets")).status_code == 200


async def test_after_redis_was_killed_everything_comes_back(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with a_door(tmp_path / "home", redis_server.url) as (gateway, client):
        redis_server.kill()
        for _ in range(QUESTIONS):
            assert await code(client, "/markets") == (503, "REDIS_UNAVAILABLE")
        redis_server.start()
        await eventually_async(lambda: gateway.bus.redis_is_up)
        await eventually_async(lambda: gateway.store.breaker.is_closed)
        assert (await client.get("/markets")).status_code == 200


async def test_a_write_that_is_not_answered_shuts_the_door_for_those_behind(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    async with a_door(tmp_path / "home", redis_server.url) as (gateway, client):
        token = await token_for(client, "alice")
        with standing_still(redis_server.pid):
            gateway.bus._on_heartbeat(b"")
            first = await client.delete("/order/12", headers=token)
            assert (first.status_code, first.json()["code"]) in {
                (504, "UNKNOWN_OUTCOME"),
                (503, "REDIS_UNAVAILABLE"),  # It had no connection yet.
            }
            assert not gateway.bus.redis_is_up
            gateway.bus._on_heartbeat(b"")
            for _ in range(QUESTIONS):
                response = await client.delete("/order/12", headers=token)
                assert (response.status_code, response.json()["code"]) == (
                    503,
                    "REDIS_UNAVAILABLE",
                )
            assert (await client.get("/ready")).json()["redis"] is False
        await eventually_async(lambda: gateway.bus.redis_is_up)


async def test_without_an_engine_orders_are_refused_at_once(tmp_path: Path, redis_url: str) -> None:
    async with a_door(tmp_path / "home", redis_url) as (gateway, client):
        token = await token_for(client, "alice")
        response = await client.delete("/order/12", headers=token)
        assert (response.status_code, response.json()["code"]) == (503, "ENGINE_UNAVAILABLE")
        assert gateway.bus.in_flight == 0


async def test_ready_names_the_breakers_and_asks_the_database_now_and_then(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    check = gateway.users.check

    async def counted() -> None:
        nonlocal asked
        asked += 1
        await check()

    monkeypatch.setattr(gateway.users, "check", counted)
    for _ in range(20):
        states = await breakers(client)
        assert states.pop("history") == "closed", "no history is no fault"
        assert states == {"redis": "closed", "reads": "closed", "sql": "closed"}
    assert asked < 20


async def test_the_figures_tell_of_limits_breakers_connections_and_queues(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await client.get("/markets")
    gateway.store.breaker.trip("a test")
    text = (await client.get("/metrics")).text
    for line in (
        'rialto_api_limited_total{kind="requests"} 0.0',
        'rialto_api_limited_total{kind="bans"} 0.0',
        "rialto_api_bans 0.0",
        'rialto_api_limit_table_size{table="weight"} 1.0',
        "rialto_api_limits_shared 1.0",
        'rialto_api_breaker_open{breaker="reads"} 1.0',
        'rialto_api_breaker_open{breaker="sql"} 0.0',
        'rialto_api_breaker_opened_total{breaker="reads"} 1.0',
        f"rialto_api_redis_pool_size {POOL_SIZE_MAX}.0",
        "rialto_api_redis_pool_in_use 0.0",
        "rialto_api_redis_pool_waits_total 0.0",
        "rialto_api_bus_in_flight 0.0",
        "rialto_api_passwords_waiting 0.0",
        "rialto_api_engine_up 0.0",
        "rialto_api_backlog_commands -1.0",
    ):
        assert line in text
    assert "rialto_api_loop_lag_seconds" in text
    await eventually_async(lambda: gateway.store.breaker.is_closed)
    assert "rialto_api_backlog_commands 0.0" in (await client.get("/metrics")).text
