"""A gateway inside the test: the real application on a real Redis, without a socket.

`gateway` has a Redis and no engine; `exchange` has a real engine, a process that the tests of one
file share, so they use different users and leave an empty book.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import admin_app, door_of, public_app
from api.gateway import Gateway
from api.opening import open_gateway
from engine.demo import MARKETS
from shared.channels import Keys
from shared.messages import MarketRules, UpdateMarket
from shared.redis_client import connect
from shared.settings import Settings
from tests.api.agreement import Agreement
from tests.api.exchange import Exchange
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually, eventually_async
from tests.support.processes import Service, running_service
from tests.support.venue import Venue

REPLY_TIMEOUT_MS = 2_000
# Twice the usual: none of these tests is about leases, and a disk may stand still for a second.
LEASE_TTL_MS = 2_000
READY_S = 20.0
ENGINE = "engine"


@dataclass(frozen=True)
class Engine:
    """An engine that runs, the Redis it works on, and a home for the gateway's files."""

    redis_url: str
    home: Path
    service: Service


def settings_for(home: Path, redis_url: str, history_url: str = "") -> Settings:
    return Settings(
        home=str(home),
        redis_url=redis_url,
        reply_timeout_ms=REPLY_TIMEOUT_MS,
        history_enabled=bool(history_url),
        history_url=history_url,
    )


def client_of(app: FastAPI, gateway: Gateway) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=door_of(app, gateway))
    hooks = {"response": [Agreement(app).check]}
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", event_hooks=hooks)


@pytest.fixture(autouse=True)
def patient_with_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for seconds is no verdict on what a test is about."""
    monkeypatch.setattr("api.sql.guarded.SQL_TIMEOUT_S", 30.0)
    for name in ("BUSY_TIMEOUT_S", "POOL_WAIT_MAX_S", "SERVER_TIMEOUT_S"):
        monkeypatch.setattr(f"api.sql.database.{name}", 20.0)


@pytest.fixture
async def gateway(tmp_path: Path, redis_url: str) -> AsyncIterator[Gateway]:
    """A gateway whose Redis is there and whose engine is not."""
    async with open_gateway(settings_for(tmp_path / "home", redis_url)) as gateway:
        await eventually_async(lambda: gateway.bus.redis_is_up)
        yield gateway


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """The public door of `gateway`."""
    app = public_app(gateway, docs_enabled=True, cors_origins=("https://desk.example",))
    async with client_of(app, gateway) as client:
        yield client


@pytest.fixture
async def admin_client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """The operators' door of `gateway`."""
    async with client_of(admin_app(gateway, docs_enabled=True), gateway) as client:
        yield client


@pytest.fixture(scope="module")
def engine(
    redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine that all tests of a file share."""
    url = redis_servers.fresh(redis_binaries()[0]).url
    home = tmp_path_factory.mktemp("exchange") / "home"
    settings = {"redis_url": url, "lease_ttl_ms": LEASE_TTL_MS}
    with running_service(ENGINE, home, settings) as service, connect(url) as client:

        def has_demo_market() -> bool:
            service.fail_if_ended()
            return bool(client.hexists(Keys("rialto").markets, "TATA_INR"))

        eventually(has_demo_market)
        _lift_rules(url)
        yield Engine(url, home, service)


def _lift_rules(redis_url: str) -> None:
    """Let any price be traded at, as tests that do not know of each other need it."""
    with contextlib.closing(Venue(redis_url, "rialto")) as venue:
        for market, _, _ in MARKETS:
            venue.journal(UpdateMarket(market=market, rules=MarketRules()))


@pytest.fixture
async def exchange(engine: Engine) -> AsyncIterator[Exchange]:
    """A gateway of this test's own, on the engine that all share."""
    async with open_gateway(settings_for(engine.home, engine.redis_url)) as gateway:
        assert await gateway.bus.wait_until_ready(READY_S), engine.service.log_tail()
        async with client_of(public_app(gateway, docs_enabled=True), gateway) as client:
            yield Exchange(client, gateway)
