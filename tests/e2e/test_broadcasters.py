"""Two broadcasters at one port, as `rialto up` runs them: all of their clients see the same."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rialto.client import Client
from rialto.embedded_redis import choose_port
from tests.broadcaster.sockets.test_server import close_code
from tests.rialto.harness import Started, rialto
from tests.support.deadlines import eventually, eventually_async
from tests.support.feed_client import FeedClient, open_feed
from tests.support.ports import ports_in_a_row

MARKET = "TATA_INR"
CHANNEL = f"depth:{MARKET}"
NAMES = ("broadcaster", "broadcaster-2")
PASSWORD = "correct horse battery"
CLIENTS = 8  # The kernel spreads them by their ports; more come until both have some.
CLIENTS_MAX = 64
WHOLE_DEADLINE_S = 60.0  # Six processes start, or stop, one after the other.


@dataclass
class Exchange:
    """A whole exchange under its supervisor."""

    started: Started
    ws_port: int
    private_port: int
    trader: Client
    prices: Iterator[int]

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}/ws"

    def own_url(self, number: int) -> str:
        return f"127.0.0.1:{self.private_port + number}"

    def connections(self, number: int) -> int:
        """Return how many clients a broadcaster has, by its own word."""
        text = httpx.get(f"http://{self.own_url(number)}/metrics").text
        (line,) = [line for line in text.splitlines() if "_connections " in line]
        return int(line.split()[1])

    def change_the_book(self) -> int:
        """Place an order at a price of its own and return the book's sequence that has it."""
        order = self.trader.place_order(MARKET, "buy", price=str(next(self.prices)), quantity="1")
        return self.trader.depth(MARKET, min_sequence=order.sequence).sequence


@contextmanager
def two_broadcasters(home: Path) -> Iterator[Exchange]:
    api, admin, ws, private = choose_port(), choose_port(), choose_port(), ports_in_a_row(2)
    settings = {
        "RIALTO_API_PORT": str(api),
        "RIALTO_ADMIN_PORT": str(admin),
        "RIALTO_WS_PORT": str(ws),
        "RIALTO_WS_PRIVATE_PORT": str(private),
        "RIALTO_BROADCASTERS": "2",
        "RIALTO_STANDBY": "false",
        "RIALTO_FAUCET_ENABLED": "true",
    }
    with rialto(home, "up", **settings) as started:
        eventually(lambda: "Rialto is up" in started.output, WHOLE_DEADLINE_S)
        with Client(f"http://127.0.0.1:{api}") as trader:
            trader.register("alice", PASSWORD)
            trader.log_in("alice", PASSWORD)
            trader.take_from_faucet("INR")
            yield Exchange(started, ws, private, trader, count(50))
        started.signal(signal.SIGINT)
        assert started.process.wait(WHOLE_DEADLINE_S) == 0, started.output


async def subscribed(url: str) -> FeedClient:
    client = await open_feed(url)
    answer = await client.ask(op="subscribe", channels=[CHANNEL])
    assert answer["op"] == "subscribed", answer
    return client


async def clients_of_both(exchange: Exchange) -> list[FeedClient]:
    clients = [await subscribed(exchange.ws_url) for _ in range(CLIENTS)]
    while not (exchange.connections(0) and exchange.connections(1)):
        assert len(clients) < CLIENTS_MAX, "one of the two is never reached"
        clients.append(await subscribed(exchange.ws_url))
    return clients


async def books(clients: list[FeedClient], sequence: int) -> set[str]:
    views = [await client.until_sequence(MARKET, sequence) for client in clients]
    return {str((sorted(view.bids.items()), sorted(view.asks.items()))) for view in views}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """One for all tests of this file, which leave both broadcasters at work."""
    with two_broadcasters(tmp_path_factory.mktemp("two") / "home") as exchange:
        yield exchange


async def test_two_share_the_clients_and_one_may_die(exchange: Exchange) -> None:
    clients = await clients_of_both(exchange)
    for _ in range(5):
        sequence = exchange.change_the_book()
    assert len(await books(clients, sequence)) == 1, "all show the same"
    assert clients[0].books[MARKET].bids == dict(exchange.trader.depth(MARKET).bids)

    # One is killed: its clients come back to the other at once, and those of the other stay.
    before = [exchange.connections(number) for number in (0, 1)]
    killed = psutil.Process(exchange.started.service(NAMES[1]).pid)
    killed.kill()
    # Until the kernel has closed all of it, its door may still take a connection, and drop it.
    await eventually_async(lambda: is_over(killed))
    sequence = exchange.change_the_book()
    lost = [client for client in clients if not await reaches(client, sequence)]
    assert len(lost) == before[1]
    kept = [client for client in clients if client not in lost]
    back = [await subscribed_again(exchange) for _ in lost]
    sequence = exchange.change_the_book()
    assert len(await books(kept + back, sequence)) == 1

    # Its supervisor brings it back, with the same book at a door of its own.
    exchange.started.says("ready again")
    assert f"{NAMES[1]:<14} ready again" in exchange.started.output
    again = await eventually_async(lambda: answer_of(exchange, 1))
    sequence = exchange.change_the_book()
    assert len(await books([*kept, *back, again], sequence)) == 1
    with rialto(exchange.started.home.folder, "status") as status:
        assert status.ends() == 0
    for number, name in enumerate(NAMES):
        assert f"  {name:<14} http://{exchange.own_url(number)}\n" in status.output
        assert f"  {name:<14} runs, process {exchange.started.service(name).pid}\n" in status.output
    for client in (*kept, *back, again):
        await client.connection.close()


async def test_a_ticket_opens_one_connection_at_whichever_is_asked(exchange: Exchange) -> None:
    for _ in range(5):
        ticket = exchange.trader.feed_ticket().ticket
        urls = [f"ws://{exchange.own_url(number)}/ws?ticket={ticket}" for number in (0, 1)] * 2
        tried = await asyncio.gather(*map(open_feed, urls), return_exceptions=True)
        (client,) = [each for each in tried if isinstance(each, FeedClient)]
        refused = [each for each in tried if isinstance(each, InvalidStatus)]
        assert [each.response.status_code for each in refused] == [401] * 3
        assert (await client.next())["account_id"] == exchange.trader.me().account_id
        await client.connection.close()


def is_over(process: psutil.Process) -> bool:
    """Return whether nothing of a process is open any more, also before it has been waited for."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def reaches(client: FeedClient, sequence: int) -> bool:
    """Return whether the client still gets there; else its connection was cut."""
    try:
        await client.until_sequence(MARKET, sequence)
    except (ConnectionClosed, OSError):
        assert await close_code(client) == 1006
        return False
    return True


async def subscribed_again(exchange: Exchange) -> FeedClient:
    """Connect at the first try; the one that comes back meanwhile may not be ready yet."""
    client = await open_feed(exchange.ws_url)
    answer = await client.ask(op="subscribe", channels=[CHANNEL])
    if answer["op"] == "subscribed":
        return client
    assert answer["code"] == "NOT_READY", answer
    await client.connection.close()
    found = await eventually_async(lambda: answer_of(exchange, 0))
    assert found is not None
    return found


async def answer_of(exchange: Exchange, number: int) -> FeedClient | None:
    client = await open_feed(f"ws://{exchange.own_url(number)}/ws")
    answer = await client.ask(op="subscribe", channels=[CHANNEL])
    if answer["op"] == "subscribed":
        return client
    await client.connection.close()
    return None
