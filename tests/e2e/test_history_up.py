"""`rialto up` with its history: what was traded is there on every way out, on both databases.

The rule of this file: the doors are those of a user: REST, the feed, files, reports. What is
expected is reckoned here, from the answers that the orders got.
"""

import asyncio
import contextlib
import csv
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil
import pytest

from rialto.client import AsyncAdminClient, AsyncClient, RefusedError, UnansweredError, calls
from rialto.client.feed import AsyncFeed
from rialto.embedded_redis import choose_port
from shared.feed import Value
from shared.feed.history import LiveTickers
from shared.rest.history import Kline, LedgerLine, TickerView
from tests.api.exchange import PASSWORD
from tests.api.test_cli import make_admin
from tests.e2e.test_outside_up import ends, is_up, subscribed
from tests.rialto.harness import Started, rialto
from tests.support.deadlines import eventually_async

MARKET = "TATA_INR"
OPERATOR = "root"
FUNDS = {"INR": "1000000", "TATA": "1000"}
PRICES = ("101.5", "99", "100.05", "103", "100")
PROGRESS_DEADLINE_S = 60.0

pytestmark = pytest.mark.timeout(240)


@dataclass
class Traded:
    """The trades that the takers' answers told of: price and quantity."""

    fills: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    sequence: int = 0

    @property
    def volume(self) -> Decimal:
        return sum((quantity for _, quantity in self.fills), Decimal(0))

    @property
    def quote_volume(self) -> Decimal:
        return sum((price * quantity for price, quantity in self.fills), Decimal(0))


@dataclass
class Place:
    """An exchange that runs, two of its traders, and what they have traded."""

    started: Started
    home: Path
    environ: dict[str, str]
    maker: AsyncClient
    taker: AsyncClient
    traded: Traded

    async def trade(self) -> None:
        """Trade once at each price, sides in turn, a part of each maker's order."""
        for number, price in enumerate(PRICES):
            sides = ("sell", "buy") if number % 2 else ("buy", "sell")
            await self.maker.place_order(MARKET, sides[0], price=price, quantity="3")
            answer = await self.taker.place_order(MARKET, sides[1], price=price, quantity="2")
            self.traded.fills += [
                (Decimal(fill.price), Decimal(fill.quantity)) for fill in answer.fills
            ]
            self.traded.sequence = answer.sequence
            await self.maker.cancel_all_orders()

    async def is_recorded(self) -> None:
        """Wait until the history has all of it."""

        async def is_there() -> bool:
            recorded = await self.taker.tickers()
            return recorded.sequence >= self.traded.sequence

        await eventually_async(lambda: _answered(is_there()), PROGRESS_DEADLINE_S)

    def kill_history(self) -> None:
        for child in psutil.Process(self.started.process.pid).children(recursive=True):
            if child.cmdline()[-2:] == ["-m", "history"]:
                child.kill()


async def _answered(work: Awaitable[bool]) -> bool:
    """Return whether it is true; that the history is away for a moment is no error here."""
    try:
        return await work
    except RefusedError as error:
        if error.code != "HISTORY_UNAVAILABLE":
            raise
    except UnansweredError:
        pass
    return False


@contextlib.asynccontextmanager
async def exchange(folder: Path, database_url: str) -> AsyncIterator[Place]:
    """Run `rialto up` with a history, two traders with money, and nothing else."""
    names = ("API", "ADMIN", "WS", "HISTORY")
    doors = {f"RIALTO_{name}_PORT": str(choose_port()) for name in names}
    home = folder / "home"
    environ = {"RIALTO_HISTORY_ENABLED": "true", "RIALTO_STANDBY": "false", **doors}
    environ |= {"RIALTO_HISTORY_DATABASE_URL": database_url} if database_url else {}
    url = f"http://127.0.0.1:{doors['RIALTO_API_PORT']}"
    with rialto(home, "up", **environ) as started:
        await is_up(started)
        made = await asyncio.to_thread(make_admin, OPERATOR, home)
        assert made.exit_code == 0, made.output
        async with AsyncClient(url) as maker, AsyncClient(url) as taker:
            for name, client in (("maker", maker), ("taker", taker)):
                await client.register(name, PASSWORD)
                account_id = (await client.log_in(name, PASSWORD)).account_id
                admin_url = f"http://127.0.0.1:{doors['RIALTO_ADMIN_PORT']}"
                async with AsyncAdminClient(admin_url) as operator:
                    await operator.log_in(OPERATOR, PASSWORD)
                    for asset, amount in FUNDS.items():
                        reference = f"{name}-{asset}"
                        await operator.deposit(asset, amount, reference, account=account_id)
            yield Place(started, home, environ, maker, taker, Traded())
        await ends(started)


async def check_reads(place: Place) -> None:
    """Candles, tickers, trades, orders, fills and statements, against what was traded."""
    traded, client = place.traded, place.taker
    prices = [price for price, _ in traded.fills]
    (ticker,) = (await client.tickers(market=MARKET)).tickers
    assert Decimal(ticker.volume) == traded.volume
    assert Decimal(ticker.quote_volume) == traded.quote_volume
    assert ticker.trades == len(traded.fills)
    shown = ticker.open_price, ticker.high_price, ticker.low_price, ticker.last_price
    assert [Decimal(price) for price in shown] == [
        prices[0], max(prices), min(prices), prices[-1],
    ]  # fmt: skip
    for interval in ("1s", "1m", "1d", "1w"):
        klines = (await client.klines(MARKET, interval, limit=1_000)).klines
        assert sum(Decimal(kline.volume) for kline in klines) == traded.volume
        assert sum(kline.trades for kline in klines) == len(traded.fills)
        for one, two in pairwise(klines):
            assert one.close_at_ns == two.open_at_ns, "one for each interval"
    told = [
        (Decimal(trade.price), Decimal(trade.quantity))
        for trade in (await client.trade_history(MARKET, limit=1_000)).trades
    ]
    assert told[::-1] == traded.fills
    fills = (await client.fills(limit=1_000)).fills
    assert [(Decimal(fill.price), Decimal(fill.quantity)) for fill in fills][::-1] == traded.fills
    orders = (await client.order_history(status="filled", limit=1_000)).orders
    assert len(orders) == len(fills)
    story = await client.order_story(orders[0].order_id)
    assert [change.change for change in story.changes] == ["accepted", "filled"]
    for trader in (place.maker, place.taker):
        await check_statement(trader)


async def check_statement(trader: AsyncClient) -> None:
    """The lines of a statement, added up, are the balances."""
    lines: list[LedgerLine] = []
    cursor: str | None = None
    while True:
        page = await trader.ledger(limit=7, cursor=cursor)
        lines += page.lines
        if (cursor := page.next) is None:
            break
    balances = (await trader.balances()).balances
    for asset, balance in balances.items():
        ours = [line for line in lines if line.asset == asset]
        assert sum(Decimal(line.available_change) for line in ours) == Decimal(balance.available)
        assert sum(Decimal(line.held_change) for line in ours) == Decimal(balance.held)
    keys = [(line.sequence, line.leg) for line in lines]
    assert keys == sorted(set(keys), reverse=True), "each once, newest first"


async def check_files(place: Place) -> None:
    """A file of all rows, and a report, are what REST shows."""
    file = bytearray()
    done = await place.taker.download(calls.ledger(asset="INR"), file.extend)
    rows = list(csv.DictReader(file.decode().splitlines()))
    assert len(rows) == done.rows
    balance = (await place.taker.balances()).balances["INR"]
    assert sum(Decimal(row["available_change"]) for row in rows) == Decimal(balance.available)
    out = place.home.parent / "volumes.csv"
    with rialto(place.home, "report", "volumes", "--out", str(out), **place.environ) as report:
        await eventually_async(lambda: report.process.poll() is not None, PROGRESS_DEADLINE_S)
        assert report.ends() == 0, report.output
    volumes = list(csv.DictReader(out.read_text().splitlines()))
    assert sum(int(row["trades"]) for row in volumes) == len(place.traded.fills)


async def check_silence(place: Place) -> None:
    """Who comes before the first trade hears that there are no tickers, and waits for them."""
    async with AsyncFeed(f"ws://127.0.0.1:{place.environ['RIALTO_WS_PORT']}/ws") as feed:
        await subscribed(feed, "tickers")
        async with asyncio.timeout(PROGRESS_DEADLINE_S):
            await feed.until(lambda: isinstance(feed.value("tickers").value, Value))
        value = feed.value("tickers").value
        assert isinstance(value, Value)
        assert msgspec.json.decode(value.data, type=LiveTickers).tickers == []


async def check_feed(place: Place) -> None:
    """A subscriber sees the ticker and the candle of a trade that comes now, as REST shows them."""
    channels = f"ticker:{MARKET}", f"klines:{MARKET}:1d", f"klines:{MARKET}:1w"
    async with AsyncFeed(f"ws://127.0.0.1:{place.environ['RIALTO_WS_PORT']}/ws") as feed:
        await subscribed(feed, *channels)
        await place.trade()
        count = len(place.traded.fills)

        def is_shown() -> bool:
            values = [feed.value(channel).value for channel in channels]
            return all(
                isinstance(value, Value) and msgspec.json.decode(value.data)["trades"] == count
                for value in values
            )

        async with asyncio.timeout(PROGRESS_DEADLINE_S):
            await feed.until(is_shown)
        value = feed.value(f"ticker:{MARKET}").value
        assert isinstance(value, Value)
        ticker = msgspec.json.decode(value.data, type=TickerView)
        assert Decimal(ticker.volume) == place.traded.volume
        value = feed.value(f"klines:{MARKET}:1w").value
        assert isinstance(value, Value)
        week = msgspec.json.decode(value.data, type=Kline)
        assert Decimal(week.quote_volume) == place.traded.quote_volume
        assert not week.is_closed


async def test_what_was_traded_is_told_on_every_way_also_after_a_kill(
    tmp_path: Path, database_url: str
) -> None:
    async with exchange(tmp_path, database_url) as place:
        await check_silence(place)
        await place.trade()
        await place.is_recorded()
        await check_reads(place)
        # When the history dies while trading goes on, then nothing is missing and nothing twice.
        place.kill_history()
        await place.trade()
        await place.is_recorded()
        await check_reads(place)
        await check_files(place)
        await check_feed(place)
