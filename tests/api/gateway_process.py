"""A gateway as a process, on the engine that the tests of a file share."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from rialto.embedded_redis import choose_port
from tests.api.conftest import Engine
from tests.support.deadlines import eventually
from tests.support.processes import running_service


class Doors(NamedTuple):
    """Where the two doors are: `http://host:port`, without a slash."""

    public: str
    admin: str


@contextlib.contextmanager
def running_gateway(engine: Engine, history_url: str = "", **more: object) -> Iterator[Doors]:
    """Give the doors of a gateway that is ready; without a URL there is no history."""
    ports = {"api_port": choose_port(), "admin_port": choose_port()}
    doors = Doors(*(f"http://127.0.0.1:{port}" for port in ports.values()))
    settings = {
        "redis_url": engine.redis_url,
        "history_enabled": str(bool(history_url)).lower(),
        "history_url": history_url,
        **ports,
        **more,
    }
    with running_service("api", engine.home, settings) as service:

        def is_ready() -> bool:
            service.fail_if_ended()
            try:
                return all(httpx.get(f"{door}/ready").status_code == 200 for door in doors)
            except httpx.HTTPError:
                return False

        eventually(is_ready)
        yield doors
