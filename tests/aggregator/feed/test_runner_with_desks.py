"""Real desks and connectors on real sockets, against venues that speak their own protocols."""

from collections.abc import AsyncIterator

import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.words import Trade
from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from aggregator.feed.runner import Feed
from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from aggregator.registry import load_connectors
from shared.messages import BookState, FeedState
from tests.support.deadlines import eventually_async

FEEDS = sorted(set(load_connectors()) & set(load_speakers()))
QUICK = Limits(backoff_first_s=0.01, backoff_max_s=0.05, breaker_failures_max=1_000)
BINANCE = "binance:spot"


class World:
    """Desks of some feeds, each with two books, and the trades that they have told of."""

    def __init__(self, server: VenuesServer, feeds: list[str], limits: Limits = QUICK) -> None:
        self.server = server
        self.trades: list[Trade] = []
        known = load_connectors()
        self.desks = {
            feed: Desk(*known[feed], known[feed][1].symbols_default[:2], DeskOptions())
            for feed in feeds
        }
        self.fleet = Fleet(
            list(self.desks.values()),
            on_drained=self._take_trades,
            offline_address=f"127.0.0.1:{server.port}",
            limits=limits,
        )

    def feed(self, name: str) -> Feed:
        return self.fleet.feeds[name]

    def _take_trades(self) -> None:
        for desk in self.desks.values():
            self.trades += desk.take_trades()

    async def is_cut(self, feed: str) -> None:
        """Have the venue cut all of a feed's connections, and wait until the desk knows."""
        counts = self.feed(feed).counts
        reconnects = counts.reconnects
        self.server.cut(feed)
        await eventually_async(lambda: counts.reconnects > reconnects)

    async def live(self) -> None:
        """Wait until all books of all feeds are."""

        def all_are() -> bool:
            desks = self.desks.values()
            books = [listing for desk in desks for listing in desk.listings.values()]
            assert {
                book.name: book.reason for book in books if book.state is not BookState.LIVE
            } == {}
            return len(books) == 2 * len(self.desks)

        await eventually_async(all_are)

    def numbers(self) -> dict[str, list[int]]:
        """Return the trades' own numbers, by book."""
        numbers: dict[str, list[int]] = {}
        for trade in self.trades:
            numbers.setdefault(trade.book, []).append(int(trade.trade_id))
        return numbers


@pytest.fixture
async def server() -> AsyncIterator[VenuesServer]:
    server = VenuesServer(load_speakers(), rate=60)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


async def started(server: VenuesServer, feeds: list[str], limits: Limits = QUICK) -> World:
    world = World(server, feeds, limits)
    world.fleet.start()
    return world


async def test_all_venues_go_live_together_with_proven_books_and_trades(
    server: VenuesServer,
) -> None:
    world = await started(server, FEEDS)
    await world.live()
    await eventually_async(lambda: len({trade.book for trade in world.trades}) == 2 * len(FEEDS))
    for desk in world.desks.values():
        for listing in desk.listings.values():
            assert listing.counts.mismatched == 0, listing.name
            assert listing.counts.gaps == 0, listing.name
    assert {status.state for status in world.fleet.status().values()} == {FeedState.LIVE}
    await world.fleet.close()


async def test_a_venues_goodbye_is_answered_by_a_new_connection_and_no_trade_is_lost_or_doubled(
    server: VenuesServer,
) -> None:
    world = await started(server, [BINANCE])
    await world.live()
    desk, counts = world.desks[BINANCE], world.feed(BINANCE).counts
    first = {view.connection for view in world.feed(BINANCE).connections()}
    server.goodbye(BINANCE)
    # The books live on while the connections change.
    await eventually_async(
        lambda: not first & {view.connection for view in world.feed(BINANCE).connections()}
    )
    resyncs = [listing.counts.resyncs for listing in desk.listings.values()]
    assert resyncs == [0, 0]
    await world.live()
    so_far = len(world.trades)
    await eventually_async(lambda: len(world.trades) > so_far + 20)
    assert counts.close_codes[1000] == len(first)
    await world.fleet.close()
    for book, numbers in world.numbers().items():
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), book


async def test_after_a_cut_the_books_are_live_again_and_the_trades_of_the_gap_are_asked_for(
    server: VenuesServer,
) -> None:
    world = await started(server, [BINANCE])
    await world.live()
    await eventually_async(lambda: len(world.numbers()) == 2)
    faults = server.faults(BINANCE)
    faults.http_status, faults.socket_refusals = 503, 10  # It takes a while to come back.
    await world.is_cut(BINANCE)
    await world.live()
    await eventually_async(lambda: any(trade.is_recovered for trade in world.trades))
    await world.fleet.close()
    for book, numbers in world.numbers().items():
        assert len(set(numbers)) == len(numbers), book


async def test_venues_that_refuse_for_a_while_are_live_when_they_are_ready(
    server: VenuesServer,
) -> None:
    for feed in FEEDS:
        faults = server.faults(feed)
        faults.http_status, faults.retry_after_s = 503, 1
        faults.socket_refusals = faults.http_refusals = 2
    world = await started(server, FEEDS)
    await world.live()
    refused = [world.feed(feed).counts.failures["http_503"] for feed in FEEDS]
    assert min(refused) >= 2
    await world.fleet.close()


async def test_one_venue_that_is_cut_again_and_again_does_not_touch_the_others(
    server: VenuesServer,
) -> None:
    world = await started(server, FEEDS)
    await world.live()
    victim = FEEDS[0]
    for _ in range(3):
        await world.is_cut(victim)
        await world.live()
    for feed in FEEDS[1:]:
        assert world.feed(feed).counts.reconnects == 0
        resyncs = [listing.counts.resyncs for listing in world.desks[feed].listings.values()]
        assert resyncs == [0, 0], feed
    await world.fleet.close()
