"""An exchange of processes for who judges the feed: engine, gateway, broadcaster, and traders.

The rule of this file: the broadcaster has a wire of its own to Redis, which a test may disturb;
everybody else has a sound one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from rialto.client import AsyncAdminClient, AsyncClient, RefusedError
from rialto.client.feed import AsyncFeed
from rialto.embedded_redis import choose_port
from tests.api.exchange import PASSWORD
from tests.api.test_cli import make_admin
from tests.support.deadlines import DEADLINE_S, eventually_async
from tests.support.feed_sleeper import Sleeper
from tests.support.feed_truth import Truth, Watch
from tests.support.processes import Service

VENUE = "judged"
OPERATOR = "root"
FUNDS = {"INR": 1_000_000_000, "TATA": 10_000_000, "JIO": 10_000_000}
LIMITS = ("weight_minute", "orders_10s", "orders_10s_address", "orders_day", "refusals_minute")


@dataclass
class FeedExchange:
    """The running exchange; `feed_url` is the broadcaster's."""

    redis_url: str
    home: Path
    url: str
    admin_url: str
    feed_url: str
    engine: Service
    gateway: Service
    broadcaster: Service
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    watches: list[Watch] = field(default_factory=list)
    feeds: list[AsyncFeed] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Self]:
        """Close all traders and feeds that were opened in the block, at its end."""
        async with contextlib.AsyncExitStack() as self.stack:
            self.watches, self.feeds = [], []
            yield self

    async def trader(self, name: str) -> AsyncClient:
        """Return the client of a new user with more than enough of everything."""
        client = await self.stack.enter_async_context(AsyncClient(self.url))

        async def is_registered() -> bool:
            try:
                await client.register(name, PASSWORD)
            except RefusedError as refused:
                if refused.status != 503:  # The users' database has just been made.
                    raise
                return False
            return True

        await eventually_async(is_registered)
        account_id = (await client.log_in(name, PASSWORD)).account_id
        async with AsyncAdminClient(self.admin_url) as operator:
            await operator.log_in(OPERATOR, PASSWORD)
            for asset, amount in FUNDS.items():
                await operator.deposit(asset, amount, f"{name}-{asset}", account=account_id)
        return client

    async def feed(
        self, *channels: str, trader: AsyncClient | None = None, url: str = "", **wishes: int
    ) -> AsyncFeed:
        """Return a feed with these channels, live; everything that it shows is noted."""
        watch = Watch()
        token = None if trader is None else fresh_token(trader)
        feed = AsyncFeed(url or self.feed_url, token=token, on_update=watch.note)
        watch.shows = feed
        self.watches.append(watch)
        self.feeds.append(feed)
        await self.stack.enter_async_context(feed)
        await feed.subscribe(*channels, **wishes)
        async with asyncio.timeout(DEADLINE_S):
            await feed.until(lambda: all(map(feed.is_live, channels)))
        return feed

    async def sleeper(self, *channels: str) -> Sleeper:
        """Return a subscriber that does not read."""
        sleeper = Sleeper(self.feed_url)
        await self.stack.enter_async_context(sleeper)
        await sleeper.subscribe(*channels)
        self.watches.append(sleeper.watch)
        return sleeper

    def check(self) -> Truth:
        """Compare everything that any feed has shown with the truth so far, and return that."""
        self.truth.read_on(self.redis_url, VENUE)
        for watch in self.watches:
            self.truth.check(watch)
        return self.truth

    async def metric(self, name: str) -> int:
        """Return a figure of the broadcaster."""
        async with httpx.AsyncClient() as http:
            page = (await http.get(f"{self._feed_http_url}/metrics")).text
        (line,) = (line for line in page.splitlines() if line.split(" ")[0].endswith(name))
        return int(float(line.split(" ")[1]))

    @property
    def _feed_http_url(self) -> str:
        return self.feed_url.replace("ws:", "http:").removesuffix("/ws")

    async def ready(self) -> None:
        """Wait until orders are taken and the feed is shown."""

        async def is_ready() -> bool:
            self.gateway.fail_if_ended()
            self.broadcaster.fail_if_ended()
            try:
                doors = self.url, self._feed_http_url
                answers = [await http.get(f"{door}/ready") for door in doors]
                markets = (await http.get(f"{self.url}/markets")).json()["markets"]
            except httpx.HTTPError:
                return False
            return len(markets) > 1 and all(answer.status_code == 200 for answer in answers)

        async with httpx.AsyncClient() as http:  # To make one takes longer than all it asks.
            await eventually_async(is_ready)


def fresh_token(client: AsyncClient) -> Callable[[], Awaitable[str]]:
    async def token() -> str:
        return (await client.refresh()).access_token

    return token


@contextlib.asynccontextmanager
async def running_feed_exchange(
    redis_url: str, folder: Path, *, broadcaster_redis_url: str = ""
) -> AsyncIterator[FeedExchange]:
    """Run it for as long as the block lasts; the broadcaster may have another way to Redis."""
    home = folder / "home"
    made = await asyncio.to_thread(make_admin, OPERATOR, home)  # It has a loop of its own.
    assert made.exit_code == 0, made.output
    ports = {name: choose_port() for name in ("api_port", "admin_port", "ws_port")}
    settings: dict[str, object] = {"redis_url": redis_url, "venue": VENUE, **ports}
    settings |= {f"limit_{name}": 0 for name in LIMITS}
    disturbed = {**settings, "redis_url": broadcaster_redis_url or redis_url}
    services = [
        Service("engine", home, settings),
        Service("api", home, settings),
        Service("broadcaster", home, disturbed),
    ]
    exchange = FeedExchange(
        redis_url,
        home,
        f"http://127.0.0.1:{ports['api_port']}",
        f"http://127.0.0.1:{ports['admin_port']}",
        f"ws://127.0.0.1:{ports['ws_port']}/ws",
        engine=services[0],
        gateway=services[1],
        broadcaster=services[2],
    )
    try:
        for service in services:
            service.start()
        await exchange.ready()
        yield exchange
    finally:
        for service in services:
            if service.is_running:
                service.kill()
