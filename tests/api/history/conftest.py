"""A gateway that asks a history of the test's own, over a socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import public_app
from api.edge.examples import example_of
from api.gateway import Gateway
from api.opening import open_gateway
from tests.api.conftest import client_of, settings_for
from tests.support.deadlines import eventually_async
from tests.support.fake_history import FakeHistory, running_history


@pytest.fixture
async def history() -> AsyncIterator[FakeHistory]:
    """The history, which answers as it should until a test says otherwise."""
    async with running_history(FakeHistory(example=example_of)) as history:
        yield history


@pytest.fixture
async def gateway(tmp_path: Path, redis_url: str, history: FakeHistory) -> AsyncIterator[Gateway]:
    """A gateway whose Redis and history are there, and whose engine is not."""
    settings = settings_for(tmp_path / "home", redis_url, history.url)
    async with open_gateway(settings) as gateway:
        await eventually_async(lambda: gateway.bus.redis_is_up)
        yield gateway


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """The public door of `gateway`."""
    async with client_of(public_app(gateway, docs_enabled=True), gateway) as client:
        yield client
