"""A whole exchange of processes for the client: Redis, engine, gateway."""

from collections.abc import Iterator

import httpx
import pytest

from rialto.embedded_redis import choose_port
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually
from tests.support.processes import running_service


@pytest.fixture(scope="module")
def url(redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The public door of a gateway that is ready."""
    home = tmp_path_factory.mktemp("client") / "home"
    settings = {"redis_url": redis_servers.fresh(redis_binaries()[0]).url}
    ports = {"api_port": choose_port(), "admin_port": choose_port()}
    with (
        running_service("engine", home, settings) as engine,
        running_service("api", home, {**settings, **ports}) as gateway,
    ):
        url = f"http://127.0.0.1:{ports['api_port']}"

        def is_ready() -> bool:
            engine.fail_if_ended()
            gateway.fail_if_ended()
            try:
                ready = httpx.get(f"{url}/ready").status_code == 200
                return ready and bool(httpx.get(f"{url}/markets").json()["markets"])
            except httpx.HTTPError:
                return False

        eventually(is_ready)
        yield url
