"""`rialto up` without any internet: with simulated venues, and with none at all."""

import asyncio
import signal
from pathlib import Path

import httpx
import msgspec
import pytest

from aggregator.protocol import to_units
from rialto.client import AsyncAdminClient, AsyncClient, RefusedError
from rialto.client.feed import AsyncFeed, BookKeeper
from rialto.embedded_redis import choose_port
from shared.feed import Value, Wanted
from shared.messages import ConsolidatedBook, FeedState, OutsideBook, VenueStatus
from tests.api.exchange import PASSWORD
from tests.api.test_cli import make_admin
from tests.rialto.harness import Started, rialto
from tests.support.deadlines import eventually_async
from tests.support.outside_counts import Counts
from tests.support.outside_judge import parts_of

WHOLE_DEADLINE_S = 60.0  # Seven processes start, or stop, one after the other.
BOOKS = 36
VENUES = ("binance", "bybit", "coinbase", "kraken")
OPERATOR = "root"

pytestmark = pytest.mark.timeout(180)


def ports(*more: str) -> dict[str, str]:
    names = ("API", "ADMIN", "WS", "AGGREGATOR", *more)
    return {f"RIALTO_{name}_PORT": str(choose_port()) for name in names}


async def is_up(started: Started) -> None:
    def is_said() -> bool:
        assert "Rialto is up" in started.output, started.output
        return True

    await eventually_async(is_said, WHOLE_DEADLINE_S)


async def ends(started: Started) -> None:
    started.signal(signal.SIGINT)
    await eventually_async(lambda: started.process.poll() is not None, WHOLE_DEADLINE_S)
    assert started.ends() == 0, started.output


async def subscribed(feed: AsyncFeed, *channels: str) -> None:
    wanted = [
        Wanted(channel=name, interval_ms=0, levels=0 if name.startswith("book:") else None)
        for name in channels
    ]

    async def is_done() -> bool:
        try:
            await feed.subscribe(*wanted)
        except RefusedError as refused:
            if refused.code != "UNKNOWN_CHANNEL":
                raise
            return False
        return True

    await eventually_async(is_done, WHOLE_DEADLINE_S)


def status_of(feed: AsyncFeed, venue: str) -> VenueStatus:
    said = feed.value(f"status:{venue}").value
    assert isinstance(said, Value)
    return msgspec.json.decode(said.data, type=VenueStatus)


def live_books(feed: AsyncFeed) -> dict[str, BookKeeper]:
    return {
        channel: keeper
        for channel, keeper in feed.keepers.items()
        if isinstance(keeper, BookKeeper)
        and ":consolidated:" not in channel
        and keeper.is_live
        and msgspec.json.decode(keeper.info or b"", type=OutsideBook).state == "live"
    }


def is_union(feed: AsyncFeed, channel: str) -> bool:
    """Whether a consolidated book has just what the single books have, as far as those go."""
    merged = feed.book(channel)
    info = msgspec.json.decode(merged.info or b"", type=ConsolidatedBook)
    found = parts_of(merged.bids, merged.asks, Counts())
    assert set(found) == set(info.books)
    for book in info.books:
        single = feed.book(f"book:{book}")
        sides = single.bids, single.asks
        for ours, levels, sign in zip(found[book], sides, (1, -1), strict=True):
            theirs = {to_units(price): to_units(quantity) for price, quantity, *_ in levels}
            count = min(len(ours), len(theirs))
            if best(ours, sign, count) != best(theirs, sign, count):
                return False
    return True


def best(levels: dict[int, int], sign: int, count: int) -> list[tuple[int, int]]:
    return sorted(levels.items(), key=lambda level: -level[0] * sign)[:count]


async def test_up_offline_shows_thirty_six_living_books_that_make_up_the_consolidated_ones(
    tmp_path: Path,
) -> None:
    doors = ports("VENUES")
    with rialto(
        tmp_path,
        "up",
        "--offline",
        RIALTO_AGGREGATOR_ENABLED="true",
        RIALTO_STANDBY="false",
        **doors,
    ) as started:
        await is_up(started)
        started.says("(simulated)")
        async with AsyncFeed(f"ws://127.0.0.1:{doors['RIALTO_WS_PORT']}/ws") as feed:
            await subscribed(feed, "book:*", "status:*")
            await eventually_async(lambda: len(live_books(feed)) == BOOKS, WHOLE_DEADLINE_S)
            for keeper in live_books(feed).values():
                sequence = keeper.sequence
                await eventually_async(lambda: keeper.sequence > sequence)  # noqa: B023
            symbols = [name for name in feed.keepers if name.startswith("book:consolidated:")]
            assert len(symbols) == 27  # Nine of dollars, nine of tethers, and nine of futures.
            for channel in symbols:
                async with asyncio.timeout(WHOLE_DEADLINE_S):
                    await feed.until(lambda: is_union(feed, channel))  # noqa: B023
            for venue in VENUES:
                assert status_of(feed, venue).state is FeedState.LIVE
            assert feed.repairs == 0
        await ends(started)


async def test_up_is_ready_without_any_venue_says_so_and_takes_orders(tmp_path: Path) -> None:
    # Nobody listens at the address that stands in for all venues: as without a network.
    doors = ports()
    home = tmp_path / "home"
    with rialto(
        home,
        "up",
        RIALTO_AGGREGATOR_ENABLED="true",
        RIALTO_STANDBY="false",
        RIALTO_VENUES_ADDRESS=f"127.0.0.1:{choose_port()}",
        **doors,
    ) as started:
        await is_up(started)
        made = await asyncio.to_thread(make_admin, OPERATOR, home)
        assert made.exit_code == 0, made.output
        url = f"http://127.0.0.1:{doors['RIALTO_AGGREGATOR_PORT']}"
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{url}/ready")).status_code == 200
        async with AsyncFeed(f"ws://127.0.0.1:{doors['RIALTO_WS_PORT']}/ws") as feed:
            await subscribed(feed, "status:*")
            for venue in VENUES:

                def is_told(venue: str = venue) -> bool:
                    status = status_of(feed, venue)
                    states = (FeedState.CONNECTING, FeedState.BREAKER_OPEN)
                    return status.state in states and bool(status.reason)

                async with asyncio.timeout(WHOLE_DEADLINE_S):
                    await feed.until(is_told)
        async with AsyncClient(f"http://127.0.0.1:{doors['RIALTO_API_PORT']}") as client:
            await client.register("trader", PASSWORD)
            account = (await client.log_in("trader", PASSWORD)).account_id
            async with AsyncAdminClient(
                f"http://127.0.0.1:{doors['RIALTO_ADMIN_PORT']}"
            ) as operator:
                await operator.log_in(OPERATOR, PASSWORD)
                await operator.deposit("INR", 1_000_000_000, "funds", account=account)
            order = await client.place_order("TATA_INR", "buy", price="100", quantity="1")
            assert order.order_id
        await ends(started)
