"""Our connectors against simulated venues, over real sockets: what they understand is the truth."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from aggregator.protocol import Instrument, Refused
from aggregator.registry import load_connectors
from tests.support.deadlines import eventually_async
from tests.support.offline_follower import Follower, offline

FEEDS = sorted(set(load_connectors()) & set(load_speakers()))
# The others have no such thing, or bring them with the subscription.
WITH_TRADES = [
    feed
    for feed, (connector, manifest) in load_connectors().items()
    if feed in FEEDS and connector.fetch_trades(manifest, "BTC") is not None
]
KRAKEN = "ws.kraken.com/v2"
BOOK = '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10}}'
DEPTH = "api.binance.com/api/v3/depth?symbol=BTCUSDT"
TRADES_SEEN = 3


@pytest_asyncio.fixture
async def venues() -> AsyncIterator[VenuesServer]:
    """All simulated venues, quick ones, on a free port."""
    server = VenuesServer(load_speakers(), rate=60)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


@pytest.fixture
def address(venues: VenuesServer) -> str:
    return f"127.0.0.1:{venues.port}"


def _symbol(feed: str, venues: VenuesServer) -> str:
    _, manifest = load_connectors()[feed]
    pair = manifest.symbols_default[0]
    listed = venues.floor(feed).listed.values()
    return next(entry.symbol for entry in listed if entry.pair == pair)


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", FEEDS)
async def test_what_a_connector_understands_is_the_truth(
    feed: str, venues: VenuesServer, address: str
) -> None:
    # Given a plain client with our connector, and the simulation's own book.
    connector, manifest = load_connectors()[feed]
    symbol = _symbol(feed, venues)
    market = venues.floor(feed).market(symbol, time.time_ns())
    assert market is not None
    follower = Follower(connector, manifest, symbol, market, address)
    following = asyncio.create_task(follower.follow())

    # When it has followed twenty changes and some trades: each of its books was the truth.
    def has_seen_enough() -> bool:
        if following.done():
            following.result()
        live = [trade for trade in follower.trades if not trade.is_history]
        return follower.books_compared >= 20 and len(live) >= TRADES_SEEN

    await eventually_async(has_seen_enough)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    # Then nothing was refused, and every trade is one of the market's, with the taker's side.
    assert not [answer for answer in follower.answers if isinstance(answer, Refused)]
    tick, step = market.listed.tick, market.listed.step
    real = {
        (tick.padded(fill.ticks, 18), step.padded(fill.steps, 18), fill.is_buy)
        for fill in market.tape
    }
    for trade in follower.trades:
        price, quantity = _padded(trade.price), _padded(trade.quantity)
        assert (price, quantity, trade.taker_side.value == "buy") in real


def _padded(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<18}"


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", FEEDS)
async def test_every_default_pair_is_listed(feed: str, venues: VenuesServer, address: str) -> None:
    connector, manifest = load_connectors()[feed]
    request = connector.fetch_instruments(manifest)
    assert request is not None
    async with httpx.AsyncClient() as client:
        answer = await client.get(offline(request.url, address))
    assert answer.status_code == 200
    listed = list(request.read(answer.content, request.url))
    pairs = {f"{found.base}/{found.quote}" for found in listed if isinstance(found, Instrument)}
    assert set(manifest.symbols_default) <= pairs
    # With the tick and step that the simulation really uses.
    for found in listed:
        assert isinstance(found, Instrument)
        entry = venues.floor(feed).listed.get(found.symbol)
        assert found.price_tick
        assert entry is None or entry.tick.text.rstrip("0") == found.price_tick.rstrip("0")


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", WITH_TRADES)
async def test_the_latest_trades_can_be_asked_for(
    feed: str, venues: VenuesServer, address: str
) -> None:
    connector, manifest = load_connectors()[feed]
    symbol = _symbol(feed, venues)
    request = connector.fetch_trades(manifest, symbol)
    assert request is not None
    async with httpx.AsyncClient() as client:
        answer = await client.get(offline(request.url, address))
    updates = request.read(answer.content, request.url)
    assert len(updates) > 5
    assert {type(update).__name__ for update in updates} == {"TradeUpdate"}


@contextlib.asynccontextmanager
async def _kraken(address: str, *messages: str) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://{address}/{KRAKEN}") as connection:
        for message in messages:
            await connection.send(message)
        yield connection


async def _books(connection: ClientConnection, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            frame = str(await connection.recv())
            if frame.startswith('{"channel":"book"'):
                found.append(frame)
    return found


@pytest.mark.asyncio
async def test_health_is_answered(address: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.asyncio
async def test_nobody_speaks_at_an_unknown_host(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/stream.example.com/ws")
    assert refused.value.response.status_code == 404
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/api.example.com/x")).status_code == 404


@pytest.mark.asyncio
async def test_a_cut_connection_ends_and_another_one_can_be_made(
    venues: VenuesServer, address: str
) -> None:
    async with _kraken(address, BOOK) as connection:
        await _books(connection, 3)
        venues.cut("kraken:spot")
        with pytest.raises(ConnectionClosed) as cut:
            await _books(connection, 10_000)
        assert cut.value.rcvd is None
    await eventually_async(lambda: venues.connections("kraken:spot") == 0)
    async with _kraken(address, BOOK) as connection:
        assert '"type":"snapshot"' in (await _books(connection, 2))[0]


@pytest.mark.asyncio
async def test_a_connection_is_closed_with_the_code_that_is_wished_for(
    venues: VenuesServer, address: str
) -> None:
    async with _kraken(address, BOOK) as connection:
        await _books(connection, 1)
        venues.close("kraken:spot", 1000, "restart")
        with pytest.raises(ConnectionClosed) as closed:
            await _books(connection, 10_000)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "restart")


@pytest.mark.asyncio
async def test_frames_are_doubled_swapped_and_dropped(venues: VenuesServer, address: str) -> None:
    faults = venues.faults("binance:spot")
    url = f"ws://{address}/stream.binance.com/ws/btcusdt@depth@100ms"

    async def ids(count: int) -> list[int]:
        async with connect(url) as connection:
            frames = [str(await connection.recv()) for _ in range(count)]
        return [int(frame.partition('"u":')[2].partition(",")[0]) for frame in frames]

    faults.doubles = 1
    first, second, *_ = await ids(3)
    assert first == second
    faults.swaps = 1
    first, second, third = await ids(3)
    assert second < first < third
    assert not faults.swaps
    assert not faults.held


@pytest.mark.asyncio
async def test_too_many_requests_are_refused_so_many_times(
    venues: VenuesServer, address: str
) -> None:
    faults = venues.faults("binance:spot")
    faults.http_refusals, faults.retry_after_s = 2, 7
    async with httpx.AsyncClient() as client:
        answers = [await client.get(f"http://{address}/{DEPTH}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


@pytest.mark.asyncio
async def test_a_handshake_is_refused_or_never_answered(venues: VenuesServer, address: str) -> None:
    faults = venues.faults("kraken:spot")
    faults.socket_refusals = 1
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{address}/{KRAKEN}")
    faults.never_answers = True
    with pytest.raises(TimeoutError):
        await connect(f"ws://{address}/{KRAKEN}", open_timeout=0.2)


@pytest.mark.asyncio
async def test_subscriptions_are_refused_or_passed_over(venues: VenuesServer, address: str) -> None:
    faults = venues.faults("kraken:spot")
    faults.moods.is_refusing = True
    async with _kraken(address, BOOK) as connection:
        assert "status" in str(await connection.recv())
        assert '"success":false' in str(await connection.recv())
        # When nothing is answered any more, the next answer is that to the ping after it.
        faults.moods.is_refusing, faults.moods.is_deaf = False, True
        await connection.send(BOOK)
        pong = await connection.ping()
        await pong
        faults.moods.is_deaf = False
        await connection.send('{"method":"ping"}')
        assert '"pong"' in str(await connection.recv())


@pytest.mark.asyncio
async def test_a_frozen_venue_keeps_its_heartbeats(venues: VenuesServer, address: str) -> None:
    async with _kraken(address, BOOK) as connection:
        await _books(connection, 2)
        venues.faults("kraken:spot").is_frozen = True
        async with asyncio.timeout(20):
            while str(await connection.recv()) != '{"channel":"heartbeat"}':
                continue
        frames = [str(await connection.recv())]
        assert frames == ['{"channel":"heartbeat"}']


@pytest.mark.asyncio
async def test_a_goodbye_is_said_before_the_end(venues: VenuesServer, address: str) -> None:
    connector, _ = load_connectors()["okx:spot"]
    async with connect(f"ws://{address}/ws.okx.com:8443/ws/v5/public") as connection:
        await connection.send("ping")
        assert await connection.recv() == "pong"
        venues.goodbye("okx:spot")
        said = connector.parse_message(str(await connection.recv()).encode(), 1)
    assert [type(update).__name__ for update in said] == ["Goodbye"]


def test_everybody_who_speaks_is_understood() -> None:
    assert set(load_speakers()) <= set(load_connectors())
    assert len(FEEDS) >= 8
