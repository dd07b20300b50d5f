"""Files: passed on a piece at a time, whole or visibly broken, and let go with the client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from api.app import door_of, public_app
from api.edge.protocol import LimitedProtocol
from api.gateway import Gateway
from api.history import asking
from tests.api.exchange import token_for
from tests.support.deadlines import eventually_async
from tests.support.fake_history import CSV_HEAD, FakeHistory, Manner

TRADES = "/api/v1/trades?market=TATA_INR&format=csv"
OWN = ("orders", "fills", "ledger", "rejections")


@contextlib.asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[str]:
    """The public door on a socket, as a browser of another place may use it, too."""
    app = public_app(gateway, docs_enabled=False, cors_origins=("https://desk.example",))
    config = uvicorn.Config(
        door_of(app, gateway),
        host="127.0.0.1",
        port=0,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(server.serve())
    try:
        await eventually_async(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def wire(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the public door, over a socket."""
    async with serving(gateway) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def test_a_file_comes_as_it_is(client: httpx.AsyncClient, history: FakeHistory) -> None:
    history.csv_rows = 20_000
    response = await client.get(TRADES)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="trades.csv"'
    assert response.headers["x-total-rows"] == "20000"
    assert response.headers["cache-control"] == "no-store"
    rows = "".join(f"{row},101.5\r\n" for row in range(20_000))
    assert response.text == CSV_HEAD + rows


async def test_an_accounts_files_are_its_own(
    client: httpx.AsyncClient, history: FakeHistory
) -> None:
    for path in OWN:
        assert (await client.get(f"/api/v1/{path}?format=csv")).status_code == 401
    assert history.asked == []
    alice = await token_for(client, "alice")
    for path in OWN:
        response = await client.get(f"/api/v1/{path}?format=csv", headers=alice)
        assert response.status_code == 200
    assert len({query.account_id for _, query in history.asked}) == 1


async def test_a_page_of_another_place_may_read_its_headers(
    wire: httpx.AsyncClient, history: FakeHistory
) -> None:
    for headers in ({}, {"Origin": "https://desk.example"}):
        response = await wire.get(TRADES, headers=headers)
        assert response.status_code == 200
        assert response.headers["vary"] == "Origin"
        assert response.text.startswith(CSV_HEAD)
    exposed = response.headers["access-control-expose-headers"]
    assert {"X-Total-Rows", "Content-Disposition"} <= set(exposed.split(", "))


async def test_pieces_are_sent_as_they_come(wire: httpx.AsyncClient, history: FakeHistory) -> None:
    history.csv_gate = asyncio.Event()
    async with wire.stream("GET", TRADES) as response:
        chunks = response.aiter_text()
        assert (await anext(chunks)).startswith(CSV_HEAD)
        history.csv_gate.set()
        rest = "".join([chunk async for chunk in chunks])
    assert rest.endswith("2,101.5\r\n")


async def test_who_goes_away_ends_it_at_the_history(
    wire: httpx.AsyncClient, gateway: Gateway, history: FakeHistory
) -> None:
    history.csv_gate = asyncio.Event()
    async with wire.stream("GET", TRADES) as response:
        await anext(response.aiter_raw())
    await eventually_async(lambda: history.ended_early == 1)
    assert gateway.history.breaker.is_closed, "that was the client"


async def test_a_file_that_breaks_off_does_not_look_whole(
    wire: httpx.AsyncClient, history: FakeHistory
) -> None:
    history.manner = Manner.CSV_DIES
    with pytest.raises(httpx.RemoteProtocolError):
        await wire.get(TRADES)


@pytest.mark.parametrize(
    "manner",
    [
        Manner.FAILS,
        Manner.DIES,
        Manner.TALKS_OTHER_JSON,
        Manner.REDIRECTS,
        Manner.TALKS_NO_HTTP,
        Manner.CSV_INJECTS,
        Manner.CSV_WITHOUT_COUNT,
    ],
)
async def test_what_is_no_file_is_refused_before_it_begins(
    client: httpx.AsyncClient, history: FakeHistory, manner: Manner
) -> None:
    history.manner = manner
    response = await client.get(TRADES)
    assert (response.status_code, response.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
    assert response.headers["retry-after"] == "2"


async def test_nobody_has_more_than_their_share(
    wire: httpx.AsyncClient, gateway: Gateway, history: FakeHistory
) -> None:
    history.csv_gate = asyncio.Event()
    alice = await token_for(wire, "alice")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(asking.DOWNLOADS_PER_CALLER):
            response = await stack.enter_async_context(wire.stream("GET", TRADES))
            assert response.status_code == 200
        refused = await wire.get(TRADES)
        assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
        assert "downloads under way" in refused.json()["message"]
        statement = wire.stream("GET", "/api/v1/ledger?format=csv", headers=alice)
        own = await stack.enter_async_context(statement)
        assert own.status_code == 200, "strangers do not keep an account from its statement"
        assert (await wire.get("/tickers")).status_code == 200
    await eventually_async(lambda: not gateway.history._downloads)
    history.csv_gate.set()
    assert (await wire.get(TRADES)).status_code == 200


async def test_all_downloads_together_have_a_bound(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    downloads = gateway.history._downloads
    downloads["address"] = asking.DOWNLOADS_AT_ONCE
    response = await client.get(TRADES)
    assert (response.status_code, response.json()["code"]) == (503, "BUSY")
