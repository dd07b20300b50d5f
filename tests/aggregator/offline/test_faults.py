"""Whatever a venue does wrong, the real feed recovers, and no wrong book is ever shown as live."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from aggregator.offline.discovery import load_speakers
from aggregator.offline.faults import Faults
from aggregator.offline.server import VenuesServer
from aggregator.offline.words import Frame
from aggregator.protocol import Kind
from tests.support.deadlines import eventually_async
from tests.support.offline_judge import judged

# Of these something proves each book; of Coinbase Exchange nothing does.
PROVEN = (
    "binance:linear",
    "binance:spot",
    "bybit:linear",
    "coinbase:spot",
    "kraken:spot",
    "okx:spot",
)
BY_HTTP = ("binance:linear", "binance:spot", "okx:spot")
SOME = 5


@pytest_asyncio.fixture
async def venues() -> AsyncIterator[VenuesServer]:
    """All simulated venues, quick ones, on a free port."""
    server = VenuesServer(load_speakers(), rate=50)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


def _sessions(venues: VenuesServer, feed: str) -> set[int]:
    return {session.number for session in venues.stage.feeds[feed].sessions}


async def _all_are_new(venues: VenuesServer, feed: str, before: set[int]) -> None:
    await eventually_async(lambda: _sessions(venues, feed) and not _sessions(venues, feed) & before)


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", PROVEN)
async def test_lost_doubled_and_swapped_frames_are_noticed_and_healed(
    feed: str, venues: VenuesServer
) -> None:
    faults = venues.faults(feed)
    async with judged(venues, feed, time.time_ns()) as judge:
        await judge.see(SOME)
        # When one frame of the book is lost,
        faults.drops = 1
        await eventually_async(lambda: not faults.drops)
        # then the book is live again, and was right whenever it was;
        await judge.see(SOME)
        # so it is when a frame comes twice,
        faults.doubles = 1
        await eventually_async(lambda: not faults.doubles)
        await judge.see(SOME)
        # or after the one behind it.
        faults.swaps = 1
        await eventually_async(lambda: not faults.swaps)
        await judge.see(SOME)
        assert judge.resyncs >= 1


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", PROVEN)
async def test_a_connection_that_ends_in_any_way_is_made_again(
    feed: str, venues: VenuesServer
) -> None:
    async with judged(venues, feed, time.time_ns()) as judge:
        await judge.see(SOME)
        for end in (venues.cut, lambda name: venues.close(name, 1000)):
            before = _sessions(venues, feed)
            end(feed)
            await _all_are_new(venues, feed, before)
            await judge.see(SOME)
        # And no trade was told twice.
        ids = [trade.trade_id for trade in judge.trades]
        assert len(ids) == len(set(ids))


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", BY_HTTP)
async def test_snapshots_that_are_refused_late_or_too_old_are_asked_for_again(
    feed: str, venues: VenuesServer
) -> None:
    # Given a venue that refuses once, then gives an old book, each of them late.
    faults = venues.faults(feed)
    faults.http_delay_s = 0.1
    faults.moods.has_no_pictures = True
    faults.moods.old_snapshots = 1
    async with judged(venues, feed, time.time_ns()) as judge:
        await judge.see(SOME)
        assert not faults.moods.old_snapshots
        faults.http_refusals = 1
        venues.cut(feed)
        await eventually_async(lambda: not faults.http_refusals)
        await judge.see(SOME)


@pytest.mark.asyncio
async def test_a_wrong_checksum_is_noticed_and_healed(venues: VenuesServer) -> None:
    async with judged(venues, "kraken:spot", time.time_ns()) as judge:
        await judge.see(SOME)
        venues.faults("kraken:spot").wrong_checksums = 1
        await eventually_async(lambda: judge.resyncs)
        await judge.see(SOME)


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", ["binance:spot", "okx:spot"])
async def test_a_goodbye_brings_a_new_connection_before_the_old_one_ends(
    feed: str, venues: VenuesServer
) -> None:
    async with judged(venues, feed, time.time_ns()) as judge:
        await judge.see(SOME)
        before = _sessions(venues, feed)
        venues.goodbye(feed)
        await _all_are_new(venues, feed, before)
        await judge.see(SOME)
        assert not judge.resyncs


def test_only_frames_of_the_chosen_kind_and_symbol_are_spoilt() -> None:
    faults = Faults(drops=1, symbol="B")
    others = [Frame("1", Kind.BOOK, "A"), Frame("2", Kind.TRADES, "B"), Frame("3")]
    assert faults.spoil(others) == others
    assert faults.spoil([Frame("4", Kind.BOOK, "B"), Frame("5", Kind.BOOK, "B")]) == [
        Frame("5", Kind.BOOK, "B")
    ]


@pytest.mark.asyncio
async def test_where_nothing_proves_a_book_the_judge_sees_what_a_lost_frame_does(
    venues: VenuesServer,
) -> None:
    # Given the one feed whose changes have neither number nor checksum.
    feed = "coinbase-exchange:spot"
    async with judged(venues, feed, time.time_ns()) as judge:
        await judge.see(SOME)
        # When some of them are lost, then the judge finds the book wrong: so it can.
        venues.faults(feed).drops = 20
        await eventually_async(lambda: judge.wrong)
