"""A whole exchange of processes for the client: Redis, engine, gateway, with a faucet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from rialto.client import AdminClient, AsyncClient, Client
from rialto.embedded_redis import choose_port
from tests.api.exchange import PASSWORD
from tests.api.test_cli import make_admin
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually
from tests.support.processes import Service, running_service

OPERATOR = "root"
Settings = dict[str, object]


@dataclass(frozen=True)
class Venue:
    """Both doors, and the gateway behind them, which a test may kill and start again."""

    url: str
    admin_url: str
    gateway: Service

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            self.gateway.fail_if_ended()
            try:
                ready = httpx.get(f"{self.url}/ready").status_code == 200
                return ready and bool(httpx.get(f"{self.url}/markets").json()["markets"])
            except httpx.HTTPError:
                return False

        eventually(is_ready)

    def trader(self, username: str, *assets: str) -> Client:
        """Return the client of a new user with play money of these assets."""
        client = Client(self.url)
        client.register(username, PASSWORD)
        client.log_in(username, PASSWORD)
        for asset in assets:
            client.take_from_faucet(asset)
        return client

    async def async_trader(self, username: str, *assets: str, url: str = "") -> AsyncClient:
        """Do as `trader`; `url` may be another way to the same door."""
        client = AsyncClient(url or self.url)
        await client.register(username, PASSWORD)
        await client.log_in(username, PASSWORD)
        for asset in assets:
            await client.take_from_faucet(asset)
        return client

    def operator(self) -> AdminClient:
        client = AdminClient(self.admin_url)
        client.log_in(OPERATOR, PASSWORD)
        return client


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a file's exchange, with an operator."""
    home = tmp_path_factory.mktemp("client") / "home"
    make_admin(OPERATOR, home)
    return home


@pytest.fixture(scope="module")
def settings(redis_servers: RedisServers) -> Settings:
    return {"redis_url": redis_servers.fresh(redis_binaries()[0]).url, "faucet_enabled": True}


@pytest.fixture(scope="module")
def engine(home: Path, settings: Settings) -> Iterator[Service]:
    """The engine of a file's exchange."""
    with running_service("engine", home, settings) as engine:
        yield engine


@pytest.fixture(scope="module")
def venue(home: Path, settings: Settings, engine: Service) -> Iterator[Venue]:
    """An exchange that is ready, for all tests of a file."""
    assert engine.is_running
    with running_gateway(home, settings) as venue:
        yield venue


@contextmanager
def running_gateway(home: Path, settings: Settings, **more: object) -> Iterator[Venue]:
    """Run a gateway for as long as the block lasts."""
    ports = {"api_port": choose_port(), "admin_port": choose_port()}
    with running_service("api", home, {**settings, **ports, **more}) as gateway:
        url, admin_url = (f"http://127.0.0.1:{port}" for port in ports.values())
        venue = Venue(url, admin_url, gateway)
        venue.wait_until_ready()
        yield venue
