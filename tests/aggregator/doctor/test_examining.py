"""Feeds examined against simulated venues, healthy ones and ones with every kind of trouble."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from aggregator.doctor.examining import Examination
from aggregator.doctor.findings import Outcome, Report, Step
from aggregator.doctor.rounds import examine_all, unknown_feeds
from aggregator.offline.discovery import load_speakers
from aggregator.offline.faults import Faults
from aggregator.offline.server import VenuesServer
from aggregator.registry import load_connectors
from shared.settings import Settings

NS_A_S = 1_000_000_000
FEEDS = sorted(set(load_connectors()) & set(load_speakers()))


@pytest_asyncio.fixture
async def venues() -> AsyncIterator[VenuesServer]:
    """All simulated venues, quick ones, on a free port."""
    server = VenuesServer(load_speakers(), rate=50)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


async def _examine(
    venues: VenuesServer, feed: str, *, pair: str = "", wait_s: float = 15.0
) -> Report:
    connector, manifest = load_connectors()[feed]
    pair = pair or manifest.symbols_default[0]
    address = f"127.0.0.1:{venues.port}"
    return await Examination(connector, manifest, pair, address, wait_s).run()


def _sentence(report: Report, step: Step) -> str:
    assert report.of(step).outcome is Outcome.FAILED, report
    assert not report.is_working
    return report.of(step).sentence


@pytest.mark.asyncio
@pytest.mark.parametrize("feed", FEEDS)
async def test_a_healthy_feed_works(feed: str, venues: VenuesServer) -> None:
    report = await _examine(venues, feed)
    assert report.is_working
    tried = (Step.NAME, Step.LINE, Step.SOCKET, Step.SUBSCRIPTION, Step.DATA, Step.HTTP, Step.CLOCK)
    assert [report.of(step).outcome for step in tried] == [Outcome.OK] * len(tried)


def _refuse(faults: Faults) -> None:
    faults.moods.is_refusing = True


def _freeze(faults: Faults) -> None:
    faults.moods.is_deaf = True


def _refuse_sockets(faults: Faults) -> None:
    faults.socket_refusals, faults.http_status = 1, 451


def _refuse_http(faults: Faults) -> None:
    faults.http_refusals = 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("make", "step", "said"),
    [
        (_refuse, Step.SUBSCRIPTION, "Currency pair not supported"),
        (_freeze, Step.DATA, "within 1 s"),
        (_refuse_sockets, Step.SOCKET, "HTTP 451. The venue does not serve this country"),
        (_refuse_http, Step.HTTP, "HTTP 429. Too much was asked"),
    ],
)
async def test_a_trouble_is_named_with_its_step(
    make: Callable[[Faults], None], step: Step, said: str, venues: VenuesServer
) -> None:
    make(venues.faults("kraken:spot"))
    report = await _examine(venues, "kraken:spot", wait_s=1)
    assert said in _sentence(report, step)


@pytest.mark.asyncio
async def test_a_pair_that_is_not_listed_is_named_with_the_nearest(venues: VenuesServer) -> None:
    report = await _examine(venues, "kraken:spot", pair="BTC/USDX")
    assert "does not list BTC/USDX; the nearest is BTC/USD" in _sentence(report, Step.SUBSCRIPTION)


@pytest.mark.asyncio
async def test_a_book_without_trades_is_a_warning_and_a_silent_socket_a_failure(
    venues: VenuesServer,
) -> None:
    # Given venues at which nothing moves any more.
    for feed in ("bybit:linear", "binance:linear"):
        venues.faults(feed).is_frozen = True
    # Then a snapshot of the book is enough, if trades come on the same socket,
    report = await _examine(venues, "bybit:linear", wait_s=1)
    assert report.is_working
    assert report.of(Step.DATA).outcome is Outcome.WARNED
    assert "No trade of BTC/USDT" in report.of(Step.DATA).sentence
    # and a socket that brings nothing at all does not work.
    assert "within 1 s" in _sentence(await _examine(venues, "binance:linear", wait_s=1), Step.DATA)


@pytest.mark.asyncio
@pytest.mark.parametrize(("skew_s", "way"), [(3, "behind"), (-3, "ahead of")])
async def test_a_wrong_clock_is_a_warning(skew_s: int, way: str) -> None:
    # Given a venue whose clock is another one than ours.
    server = VenuesServer(load_speakers(), rate=50, clock=lambda: time.time_ns() + skew_s * NS_A_S)
    await server.start("127.0.0.1", 0)
    try:
        report = await _examine(server, "okx:spot")
    finally:
        await server.stop()
    finding = report.of(Step.CLOCK)
    assert report.is_working
    assert finding.outcome is Outcome.WARNED
    assert way in finding.sentence
    assert abs(finding.took_ms - 3_000) < 900


@pytest.mark.asyncio
async def test_without_any_server_the_line_is_named_at_once(venues: VenuesServer) -> None:
    # Given an address where nobody listens.
    port = venues.port
    await venues.stop()
    connector, manifest = load_connectors()["bybit:spot"]
    async with asyncio.timeout(10):
        report = await Examination(connector, manifest, "BTC/USDT", f"127.0.0.1:{port}").run()
    assert f"No connection to 127.0.0.1:{port}" in _sentence(report, Step.LINE)
    assert "cannot be asked" in _sentence(report, Step.HTTP)


@pytest.mark.asyncio
async def test_without_a_name_the_name_is_named() -> None:
    # Given an address that no name server knows.
    connector, manifest = load_connectors()["bybit:spot"]
    report = await Examination(connector, manifest, "BTC/USDT", "venues.invalid:80").run()
    assert "The name venues.invalid is not found" in _sentence(report, Step.NAME)
    assert report.of(Step.LINE).outcome is Outcome.SKIPPED


async def test_what_a_library_calls_is_named_and_not_called() -> None:
    assert not unknown_feeds(["ccxt-bitstamp:spot"])
    [report] = await examine_all(Settings(), ["ccxt-bitstamp:spot"], "", 1)
    assert report.is_working
    assert "called by a library" in report.of(Step.SOCKET).sentence
