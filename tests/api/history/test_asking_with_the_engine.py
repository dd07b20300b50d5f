"""Orders and balances have nothing to do with the history: an engine trades while it hangs."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.app import public_app
from api.history import asking
from api.opening import open_gateway
from tests.api.conftest import READY_S, Engine, client_of, settings_for
from tests.api.exchange import Exchange, two_users
from tests.support.deadlines import eventually_async
from tests.support.fake_history import FakeHistory, Manner


@pytest.fixture
async def exchange(engine: Engine, history: FakeHistory) -> AsyncIterator[Exchange]:
    """A gateway with an engine and a history."""
    settings = settings_for(engine.home, engine.redis_url, history.url)
    async with open_gateway(settings) as gateway:
        assert await gateway.bus.wait_until_ready(READY_S), engine.service.log_tail()
        async with client_of(public_app(gateway, docs_enabled=True), gateway) as client:
            yield Exchange(client, gateway)


async def test_orders_trade_while_the_history_hangs(
    exchange: Exchange, history: FakeHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_TIMEOUT_S", 60.0)
    history.manner = Manner.HANGS
    alice, bob = await two_users(exchange, "hanging")
    asks = [
        asyncio.create_task(exchange.client.get("/tickers")) for _ in range(asking.ASKS_AT_ONCE)
    ]
    await eventually_async(lambda: len(history.asked) == asking.ASKS_AT_ONCE)
    await exchange.place(alice, "sell", "101", "3")
    bought = await exchange.place(bob, "buy", "101", "3")
    assert bought["status"] == "filled"
    assert await exchange.balance(bob, "TATA") == ("1003", "0")
    ready = (await exchange.client.get("/ready")).json()
    assert ready["ready"] is True
    assert not any(task.done() for task in asks)
    for task in asks:
        task.cancel()
    await asyncio.gather(*asks, return_exceptions=True)
