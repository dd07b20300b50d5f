"""A campaign: clients trade through the real doors while everything behind them is killed.

The rule of this file: the kills decide how long it takes, never the clock; what must hold at the
end is in `campaign_checks`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from websockets.exceptions import WebSocketException

from shared.bus import CommandBus
from shared.messages import Command, CreateAsset, CreateMarket, Deposit, MarketRules, Withdraw
from shared.outcomes import Answered
from shared.wire import CommandResult
from tests.support.campaign_clients import (
    PAUSE_MAX_S,
    REQUEST_TIMEOUT_S,
    Client,
    Counts,
    Request,
    Told,
)
from tests.support.campaign_money import Teller, opened_teller
from tests.support.campaign_orders import ASSET_SCALES, FEES_PPM, Wishes
from tests.support.campaign_sockets import SocketClient
from tests.support.campaign_system import System
from tests.support.deadlines import eventually_async
from tests.support.feed_client import FeedClient, open_feed

ACCOUNTS = 5
LANES_PER_ACCOUNT = 3  # Requests under way at once for one account.
TELLER_LANES = 6  # Withdrawals, decisions and transfers under way at once.
SOCKET_LANE = 2  # The last of them goes by WebSocket.
PASSWORD = "a long enough password"
FIRST_DEPOSITS = {"INR": 5_000_000, "TATA": 2_000, "JIO": 2_000}
TREASURY_PAUSE_S = 0.1
READY_DEADLINE_S = 60.0  # The first start of all processes on two busy cores.
PROGRESS_DEADLINE_S = 120.0  # Any healing takes a few seconds; this is "never", also when busy.
STALLED_KILLS_MAX = 1  # Three deaths at one entry halt the venue, which is another test.
KILL_PAUSE_MAX_S = {
    "engine": 1.2,
    "standby": 1.2,
    "api": 1.0,
    "broadcaster": 2.0,
    "history": 2.0,
    "redis": 2.5,
}
KILLED_AT_WORK_RATE = 0.7  # Of the kills of a door; the others may hit its start.
REDIS_DOWN_MAX_S = 0.4
MARKET_WATCHED = "TATA_INR"


@dataclass
class Money:
    """One deposit (or, below zero, withdrawal) that the operator has sent."""

    account: str
    asset: str
    amount: int
    result: CommandResult | None = None


@dataclass
class Campaign:
    """Everything that the outside saw; `kills` says how often each was killed."""

    system: System
    seed: int
    http: httpx.AsyncClient
    clients: dict[str, Client]
    counts: Counts
    teller: Teller
    requests: list[Request] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    feed: FeedClient | None = None
    feed_connections: int = 0

    def definite(self) -> int:
        return sum(request.told is Told.ANSWERED for request in self.requests)

    # ---- the load ----

    async def trade(self, lane: int, client: Client) -> None:
        """Send one request after the other, until cancelled."""
        random = Random(f"{self.seed}-{client.name}-{lane}")
        wishes = Wishes(client.name, random, count=lane * 1_000_000)
        if lane == SOCKET_LANE:
            client = SocketClient(client, self.system.entry_url)
        while True:
            request = wishes.next()
            self.requests.append(request)
            await client.settle(request)
            wishes.note(request)
            await asyncio.sleep(random.uniform(0, PAUSE_MAX_S))

    async def move_money(self, bus: CommandBus) -> None:
        """Bring money in and out over the bus, until cancelled."""
        random = Random(f"{self.seed}-treasury")
        while True:
            account = random.choice(list(self.clients))
            asset = random.choice(list(ASSET_SCALES))
            money = Money(account, asset, random.choice((1, -1)) * random.randint(1, 50))
            self.money.append(money)
            await self.send_money(bus, money, f"money-{len(self.money)}")
            await asyncio.sleep(TREASURY_PAUSE_S)

    async def send_money(self, bus: CommandBus, money: Money, key: str) -> None:
        kind: type[Deposit] | type[Withdraw] = Deposit if money.amount > 0 else Withdraw
        command = kind(
            account_id=self.clients[money.account].account_id,
            idempotency_key=key,
            asset=money.asset,
            amount_atoms=abs(money.amount) * 10 ** ASSET_SCALES[money.asset],
        )
        money.result = await submitted(bus, command)

    async def watch(self) -> None:
        """Follow a book through every death of the broadcaster; a gap fails the campaign."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, EOFError, ConnectionError):
                await self._watch_once()
            await asyncio.sleep(TREASURY_PAUSE_S)

    async def _watch_once(self) -> None:
        try:
            feed = await subscribed_feed(self.system)
            self.feed, self.feed_connections = feed, self.feed_connections + 1
            while True:
                await feed.next()
        except WebSocketException:
            return

    # ---- the kills ----

    async def kill(self, name: str, times: int, gate: "Gate") -> None:
        """Kill one service so many times, at random moments."""
        random = Random(f"{self.seed}-kill-{name}")
        for _ in range(times):
            if name in self.system.doors and random.random() < KILLED_AT_WORK_RATE:
                await self.system.answering(name)
            await asyncio.sleep(random.uniform(0, KILL_PAUSE_MAX_S[name]))
            async with gate.passed(name):
                if name == "redis":
                    self.system.redis.kill()
                else:
                    service = self.system.services[name]
                    await self.system.running(name)
                    service.kill()
                self.kills[name] = self.kills.get(name, 0) + 1
            if name == "redis":
                await asyncio.sleep(random.uniform(0, REDIS_DOWN_MAX_S))
                self.system.redis.start()


async def subscribed_feed(system: System) -> FeedClient:
    """Connect and subscribe, as soon as the broadcaster has loaded the venue."""
    feed = await open_feed(system.ws_url)

    async def subscribed() -> bool:
        answer = await feed.ask(op="subscribe", channels=[f"depth:{MARKET_WATCHED}"])
        assert answer["op"] == "subscribed" or answer["code"] == "NOT_READY", answer
        return bool(answer["op"] == "subscribed")

    await eventually_async(subscribed, PROGRESS_DEADLINE_S)
    return feed


class Gate:
    """Lets a kill pass only if the engine has done some work since the last few of them.

    While it waits for that, nothing is killed: on a machine that is busy a door that dies again and
    again would be the reason why nothing is answered.
    """

    def __init__(self, progress: Callable[[], int]) -> None:
        self._progress = progress
        self._seen = 0
        self._stalled = 0
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def passed(self, name: str) -> AsyncIterator[None]:
        async with self._lock:
            if name in ("engine", "standby", "redis"):
                await self._wait_for_work()
            yield

    async def _wait_for_work(self) -> None:
        if self._progress() == self._seen:
            self._stalled += 1
        if self._stalled > STALLED_KILLS_MAX:
            await eventually_async(lambda: self._progress() > self._seen, PROGRESS_DEADLINE_S)
        if self._progress() > self._seen:
            self._seen, self._stalled = self._progress(), 0


async def submitted(bus: CommandBus, command: Command) -> CommandResult:
    """Send a command until it is answered."""

    async def answered() -> CommandResult | None:
        outcome = await bus.submit(command)
        return outcome.result if isinstance(outcome, Answered) else None

    return await eventually_async(answered, PROGRESS_DEADLINE_S)


async def create_venue(bus: CommandBus) -> None:
    """Make the assets and the markets of `campaign_orders`."""
    commands: list[Command] = [
        CreateAsset(asset=asset, scale=scale, idempotency_key=f"asset-{asset}")
        for asset, scale in ASSET_SCALES.items()
    ]
    for market, (maker_ppm, taker_ppm) in FEES_PPM.items():
        base, quote = market.split("_")
        commands.append(
            CreateMarket(
                market=market,
                base=base,
                quote=quote,
                price_scale=2,
                price_tick=5,
                lot_atoms=100,
                rules=MarketRules(maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm),
                idempotency_key=f"market-{market}",
            )
        )
    for command in commands:
        result = await submitted(bus, command)
        assert result.code is None, result


@contextlib.asynccontextmanager
async def opened_bus(system: System) -> AsyncIterator[CommandBus]:
    bus = CommandBus(system.redis.url, system.keys)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.close()


async def is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/ready")).status_code == 200
    except httpx.HTTPError:
        return False


@contextlib.asynccontextmanager
async def opened_campaign(system: System, seed: int) -> AsyncIterator[tuple[Campaign, CommandBus]]:
    """Wait for the system, make its markets and its funded accounts."""
    limits = httpx.Limits(max_connections=ACCOUNTS * LANES_PER_ACCOUNT * 2)
    async with (
        httpx.AsyncClient(
            base_url=system.api_url, timeout=REQUEST_TIMEOUT_S, limits=limits
        ) as http,
        opened_bus(system) as bus,
    ):
        await eventually_async(lambda: is_ready(http), READY_DEADLINE_S)
        await create_venue(bus)
        counts = Counts()
        clients = {}
        for number in range(ACCOUNTS):
            name = f"trader{number}"
            client = Client(http, name, counts, Random(f"{seed}-{name}"))
            await client.register(PASSWORD)
            clients[name] = client
        teller = await opened_teller(system, clients, password=PASSWORD, seed=seed)
        campaign = Campaign(system, seed, http, clients, counts, teller)
        for name in clients:
            for asset, amount in FIRST_DEPOSITS.items():
                money = Money(name, asset, amount)
                campaign.money.append(money)
                await campaign.send_money(bus, money, f"money-{len(campaign.money)}")
        try:
            yield campaign, bus
        finally:
            await teller.operator.http.aclose()


async def run_kills(campaign: Campaign, bus: CommandBus, kills_each: int) -> None:
    """Trade while each service is killed so often; then stop sending, with answers outstanding."""
    gate = Gate(campaign.definite)
    load = [
        asyncio.create_task(campaign.trade(lane, client))
        for client in campaign.clients.values()
        for lane in range(LANES_PER_ACCOUNT)
    ]
    load += [
        asyncio.create_task(campaign.move_money(bus)),
        asyncio.create_task(campaign.watch()),
        *(asyncio.create_task(campaign.teller.work()) for _ in range(TELLER_LANES)),
    ]
    killers = asyncio.gather(*(campaign.kill(name, kills_each, gate) for name in KILL_PAUSE_MAX_S))
    try:
        everything: set[asyncio.Future[Any]] = {killers, *load}
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        for task in load:
            if task.done():
                task.result()
        killers.result()
    finally:
        killers.cancel()
        for task in load:
            task.cancel()
        await asyncio.gather(killers, *load, return_exceptions=True)
