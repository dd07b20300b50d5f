"""Whatever the history does, the client has an answer in time, and nothing else waits for it."""

import asyncio
import time

import httpx
import pytest

from api.gateway import Gateway
from api.history import asking
from api.history.asking import WAITING_MAX, HistoryDoor
from tests.api.exchange import token_for
from tests.support.deadlines import eventually_async
from tests.support.fake_history import FakeHistory, Manner, running_history

OF_FILES = (Manner.CSV_DIES, Manner.CSV_INJECTS, Manner.CSV_WITHOUT_COUNT)
ILL = tuple(manner for manner in Manner if manner not in (Manner.GOOD, Manner.INJECTS, *OF_FILES))
PATIENCE_S = 20.0  # A hang is far beyond it; a loaded machine is not.


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    monkeypatch.setattr(asking, "ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr(asking, "TURN_TIMEOUT_S", 0.1)


@pytest.mark.parametrize(
    ("path", "manner"),
    [*(("/tickers", manner) for manner in ILL), ("/api/v1/ledger", Manner.MIXES_UP)],
)
@pytest.mark.usefixtures("hurried")
async def test_an_ill_mannered_history_is_one_that_is_away(
    client: httpx.AsyncClient, history: FakeHistory, path: str, manner: Manner
) -> None:
    history.manner = manner
    alice = await token_for(client, "alice")
    async with asyncio.timeout(PATIENCE_S):
        response = await client.get(path, headers=alice)
    assert (response.status_code, response.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
    assert response.headers["retry-after"] == "2"
    assert "location" not in response.headers
    assert "/srv/" not in response.text
    assert history.paths.count("/v1/tickers") + history.paths.count("/v1/ledger") == 1
    history.manner = Manner.GOOD

    async def is_well() -> bool:
        return (await client.get(path, headers=alice)).status_code == 200

    await eventually_async(is_well)


async def test_its_headers_are_not_ours(client: httpx.AsyncClient, history: FakeHistory) -> None:
    history.manner = Manner.INJECTS
    response = await client.get("/tickers")
    assert response.status_code == 200
    assert response.json() == {"tickers": [], "sequence": 1, "at_ns": 2}
    for name in ("set-cookie", "access-control-allow-origin", "location"):
        assert name not in response.headers
    assert response.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.usefixtures("hurried")
async def test_a_history_that_is_away_is_not_asked_again_by_every_request(
    client: httpx.AsyncClient,
    gateway: Gateway,
    history: FakeHistory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.breaker.PROBE_AFTER_S", 3_600.0)
    history.manner = Manner.HANGS
    for _ in range(20):
        assert (await client.get("/tickers")).status_code == 503
    assert len(history.asked) == 1
    assert not gateway.history.breaker.is_closed


async def test_ready_shows_the_history_and_does_not_need_it(
    client: httpx.AsyncClient, gateway: Gateway, history: FakeHistory
) -> None:
    assert await gateway.history.is_there()
    assert (await client.get("/ready")).json()["history"] is True
    history.is_healthy = False
    assert not await gateway.history.is_there()
    assert gateway.history.breaker.is_closed, "it answers, so it is asked"
    assert (await client.get("/tickers")).status_code == 200


async def test_nobody_listens_there() -> None:
    async with running_history(FakeHistory()) as gone:
        url = gone.url
    door = HistoryDoor(url, "key")
    try:
        assert not await door.is_there()
        assert not door.breaker.is_closed
    finally:
        await door.close()


@pytest.mark.usefixtures("hurried")
async def test_a_crowd_is_told_that_it_is_busy(
    client: httpx.AsyncClient,
    gateway: Gateway,
    history: FakeHistory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "ANSWER_TIMEOUT_S", 3.0)
    history.manner = Manner.IS_SLOW
    monkeypatch.setattr(gateway.history, "_turns", asyncio.Semaphore(2))
    asks = [asyncio.create_task(client.get("/tickers")) for _ in range(6)]
    done, _ = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED)
    codes = {task.result().json()["code"] for task in done}
    assert codes == {"BUSY"}
    assert len(history.asked) == 2
    for task in asks:
        task.cancel()
    await asyncio.gather(*asks, return_exceptions=True)
    monkeypatch.setattr(gateway.history, "_waiting", WAITING_MAX)
    response = await client.get("/tickers")
    assert (response.status_code, response.json()["code"]) == (503, "BUSY")


@pytest.mark.usefixtures("hurried")
async def test_all_else_goes_on_while_the_history_hangs(
    client: httpx.AsyncClient, history: FakeHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_TIMEOUT_S", PATIENCE_S)
    history.manner = Manner.HANGS
    alice = await token_for(client, "alice")
    asks = [asyncio.create_task(client.get("/tickers")) for _ in range(asking.ASKS_AT_ONCE)]
    await eventually_async(lambda: len(history.asked) == asking.ASKS_AT_ONCE)
    began_s = time.monotonic()
    for path in ("/markets", "/balances", "/time"):
        assert (await client.get(path, headers=alice)).status_code == 200
    assert not any(task.done() for task in asks), f"after {time.monotonic() - began_s} s"
    for task in asks:
        task.cancel()
    await asyncio.gather(*asks, return_exceptions=True)
