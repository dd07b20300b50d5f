"""Venues that go wrong in every way they know: no client is ever shown a wrong level as live.

The rule of this file: every message is judged when it comes, whatever else a test is about. Each
fault is at all venues at once, is told with a reason, and is over before a deadline.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

import msgspec
import pytest
import pytest_asyncio

from aggregator.offline.faults import Faults
from shared.messages import BookState, FeedState
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import eventually_async
from tests.support.outside_exchange import (
    OutsideExchange,
    run_command,
    running_outside_exchange,
    running_venues,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ACCOUNTED_S = 80.0  # A trade that is missing may still come for a minute, and then is counted.
RATE = 10.0
FEEDS = (
    *("binance:linear", "binance:spot", "bybit:linear", "bybit:spot"),
    *("coinbase:spot", "coinbase-exchange:spot", "kraken:spot", "okx:spot"),
)
# Nothing in what this one sends would tell of a lost change: it is marked as unproven.
PROVEN = tuple(feed for feed in FEEDS if feed != "coinbase-exchange:spot")
BY_HTTP = ("binance:linear", "binance:spot")  # Whose books are asked for by HTTP.
DOLLARS = ("coinbase", "kraken")  # Which have dollars, not tethers.
BOOKS_EACH = 2
TRIES_MAX = 12
BROKEN = (FeedState.CONNECTING, FeedState.RESYNC, FeedState.BREAKER_OPEN, FeedState.REFUSED)
NOT_LIVE = tuple(state for state in BookState if state is not BookState.LIVE)
GONE_S = 10.0
STALE_DEADLINE_S = 50.0  # After 30 s it is.
ETHER = ("ETH/USD", "ETH/USDT")
BITCOIN = ("BTC/USD", "BTC/USDT")
# Each of these faults is a failure, and there are more of them here than the patience for the
# outside world has tries.
PATIENCE = {"reconnect_wait_s_max": 1, "breaker_pause_s": 2}
LOST = ("trades_missed", "trade_gaps")


def pairs() -> str:
    own = [
        f"{feed}=BTC/USD+ETH/USD" for feed in FEEDS if feed.partition(":")[0].startswith(DOLLARS)
    ]
    return ",".join(["BTC/USDT", "ETH/USDT", *own])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_exchange(
    redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OutsideExchange]:
    server = redis_servers.fresh(redis_binaries()[0])
    folder = tmp_path_factory.mktemp("faults")
    wishes: dict[str, object] = {"venues": ",".join(FEEDS), "outside_pairs": pairs(), **PATIENCE}
    async with (
        running_venues(RATE) as venues,
        running_outside_exchange(server.url, folder, venues, **wishes) as exchange,
    ):
        yield exchange


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(one_exchange: OutsideExchange) -> AsyncIterator[OutsideExchange]:
    """With everything live, and judged until the test is over and everything is live again."""
    async with one_exchange.judged() as judge:
        await one_exchange.live(BOOKS_EACH * len(FEEDS))
        await eventually_async(lambda: judge.metrics)
        told = {book: told_lost(one_exchange, book) for book in judge.books}
        yield one_exchange
        await one_exchange.live(BOOKS_EACH * len(FEEDS))
        await one_exchange.moved_on()
        await one_exchange.merged_on()
        await eventually_async(
            lambda: all_trades_are_accounted_for(one_exchange, told), ACCOUNTED_S
        )


def told_lost(exchange: OutsideExchange, book: str) -> tuple[int, int]:
    """Return what the aggregator says to have lost of a book's trades: how many, how often."""
    missed, gaps = (exchange.metric("books", book, name) for name in LOST)
    return missed, gaps


def all_trades_are_accounted_for(
    exchange: OutsideExchange, told: dict[str, tuple[int, int]]
) -> bool:
    """Each trade since the beginning was shown, or is told to be lost since then."""
    # OKX gives several trades as one, with ids that do not count: it cannot be known what is lost.
    books = [book for book in exchange.judge.trades if not book.startswith("okx:")]
    for book in books:
        # What was lost before that is told before that.
        since = exchange.judge.since[book]
        missing = [number for number in exchange.judge.missing(book) if number > since]
        now = told_lost(exchange, book)
        missed, gaps = (count - was for count, was in zip(now, told[book], strict=True))
        left_out = exchange.judge.left_out(book)
        said = f"{missing} are missing; {missed}, {gaps} gaps and {left_out} by the feed are told"
        if book.startswith("bybit:"):  # Which has no numbers: each stretch is told, not its length.
            stretches = [one for one in missing if one - 1 not in set(missing)]
            assert len(stretches) <= gaps + left_out, f"{book}: {said}"
        else:
            assert len(missing) <= missed + left_out, f"{book}: {said}"
    return True


def faults_of(exchange: OutsideExchange, feed: str) -> Faults:
    return exchange.venues.faults(feed)


def total(exchange: OutsideExchange, feed: str, name: str) -> int:
    """Return a count of all books of a feed, as of the last second."""
    names = [name for name in exchange.judge.books if name.startswith(f"{feed}:")]
    return sum(exchange.metric("books", book, name) for book in names)


def symbol_of(exchange: OutsideExchange, feed: str, pairs: tuple[str, ...] = ETHER) -> str:
    """Return the venue's own name of one of a feed's books."""
    names = [name for name in exchange.judge.books if name.startswith(f"{feed}:")]
    book = next(name for name in names if name.endswith(pairs))
    return exchange.judge.market(book).listed.symbol


async def go_wrong(
    exchange: OutsideExchange,
    feeds: Iterable[str],
    spoil: Callable[[Faults], None],
    count: str = "resyncs",
    pairs: tuple[str, ...] = ETHER,
) -> None:
    """Spoil frames until every one of the feeds has noticed; not each of them does harm."""
    before = {feed: total(exchange, feed, count) for feed in feeds}
    for _ in range(TRIES_MAX):
        for feed in before:
            faults = faults_of(exchange, feed)
            # Of one book: to lose or exchange frames of different ones does no harm.
            faults.symbol = symbol_of(exchange, feed, pairs)
            spoil(faults)
        await seconds(exchange, 2)
        noticed = [feed for feed in before if total(exchange, feed, count) > before[feed]]
        for feed in noticed:
            faults_of(exchange, feed).symbol = ""
            del before[feed]
        if not before:
            return
    raise AssertionError(f"{list(before)} have noticed nothing of {TRIES_MAX} spoilt frames")


async def seconds(exchange: OutsideExchange, count: int) -> None:
    """Wait until the figures have been told so many times more."""
    judged = exchange.judge.judged
    wanted = judged["metrics"] + count
    await eventually_async(lambda: judged["metrics"] >= wanted)


async def all_are_told(exchange: OutsideExchange, feeds: Iterable[str], *states: str) -> None:
    for venue in {feed.partition(":")[0] for feed in feeds}:
        assert await exchange.is_told(venue, *states)


def drop(faults: Faults) -> None:
    faults.drops = 1


def swap(faults: Faults) -> None:
    faults.swaps = 1


def double(faults: Faults) -> None:
    faults.doubles = 3


def miscount(faults: Faults) -> None:
    faults.wrong_checksums = 1


async def test_lost_frames_are_noticed_and_told(exchange: OutsideExchange) -> None:
    exchange.judge.told.clear()
    await go_wrong(exchange, PROVEN, drop)
    await all_are_told(exchange, PROVEN, *NOT_LIVE)


async def test_exchanged_frames_are_noticed(exchange: OutsideExchange) -> None:
    await go_wrong(exchange, PROVEN, swap)


async def test_doubled_frames_change_nothing(exchange: OutsideExchange) -> None:
    before = {feed: total(exchange, feed, "resyncs") for feed in FEEDS}
    for feed in FEEDS:
        double(faults_of(exchange, feed))
    await eventually_async(lambda: not any(faults_of(exchange, feed).doubles for feed in FEEDS))
    await seconds(exchange, 2)
    assert {feed: total(exchange, feed, "resyncs") for feed in FEEDS} == before


async def test_a_wrong_checksum_is_a_mismatch_and_the_book_begins_anew(
    exchange: OutsideExchange,
) -> None:
    exchange.judge.told.clear()
    # Of the other book: of the one that lost frames before, there may be a bundle, and no second
    # one within a minute.
    await go_wrong(exchange, ["kraken:spot"], miscount, "mismatched", BITCOIN)
    assert "checksum" in await exchange.is_told("kraken", *NOT_LIVE)

    # What led to it is kept, and shows it again.
    bundle = await eventually_async(
        lambda: next((exchange.inner.home / "flights").glob("*kraken-spot-BTC*.jsonl*"), None)
    )
    done = await asyncio.to_thread(run_command, "replay", "books", str(bundle), "--json")
    assert done.returncode == 1, done.stderr
    assert "The checksum is" in done.stderr


async def test_connections_that_are_cut_come_back_and_the_trades_of_between_with_them(
    exchange: OutsideExchange,
) -> None:
    exchange.judge.told.clear()
    for feed in FEEDS:
        exchange.venues.cut(feed)
    await all_are_told(exchange, FEEDS, *BROKEN, *NOT_LIVE)


async def test_a_clean_end_is_an_end_too(exchange: OutsideExchange) -> None:
    exchange.judge.told.clear()
    for feed in FEEDS:
        exchange.venues.close(feed, 1000, "bye")
    await all_are_told(exchange, FEEDS, *BROKEN, *NOT_LIVE)
    await seconds(exchange, 2)
    feeds = msgspec.json.decode(exchange.judge.metrics["aggregator"].parts["feeds"])
    assert [feed for feed in FEEDS if not feeds[feed]["close_codes"].get("1000")] == []


async def test_a_venue_that_says_goodbye_is_left_for_a_new_connection_with_nothing_amiss(
    exchange: OutsideExchange,
) -> None:
    polite = ("binance:spot", "okx:spot")
    before = {feed: total(exchange, feed, "resyncs") for feed in polite}
    reconnects = {feed: exchange.metric("feeds", feed, "connects") for feed in polite}
    for feed in polite:
        exchange.venues.goodbye(feed)
    await eventually_async(
        lambda: all(
            exchange.metric("feeds", feed, "connects") > count for feed, count in reconnects.items()
        )
    )
    assert {feed: total(exchange, feed, "resyncs") for feed in polite} == before


async def test_handshakes_and_questions_that_are_refused_wait_as_long_as_they_are_told(
    exchange: OutsideExchange,
) -> None:
    exchange.judge.told.clear()
    for feed in FEEDS:
        faults = faults_of(exchange, feed)
        faults.socket_refusals, faults.http_status, faults.retry_after_s = 1, 429, 1
        faults.http_refusals = 2 if feed in BY_HTTP else 0
        exchange.venues.cut(feed)
    await all_are_told(exchange, FEEDS, *BROKEN, *NOT_LIVE)
    await eventually_async(
        lambda: not any(faults_of(exchange, feed).socket_refusals for feed in FEEDS)
    )
    await eventually_async(
        lambda: not any(faults_of(exchange, feed).http_refusals for feed in FEEDS)
    )


async def test_snapshots_that_are_late_or_too_old_are_not_taken(
    exchange: OutsideExchange,
) -> None:
    for feed in BY_HTTP:
        faults = faults_of(exchange, feed)
        faults.http_delay_s, faults.moods.old_snapshots = 1.5, 2
        exchange.venues.cut(feed)
    try:
        await eventually_async(
            lambda: not any(faults_of(exchange, feed).moods.old_snapshots for feed in BY_HTTP)
        )
        # Cut again while an answer is on its way: it is of a connection that is no more.
        for feed in BY_HTTP:
            exchange.venues.cut(feed)
        await exchange.live(BOOKS_EACH * len(FEEDS))
    finally:
        for feed in BY_HTTP:
            faults_of(exchange, feed).http_delay_s = 0


async def test_subscriptions_that_are_refused_are_told_and_halted_until_resumed(
    exchange: OutsideExchange,
) -> None:
    exchange.judge.told.clear()
    for feed in FEEDS:
        faults_of(exchange, feed).moods.is_refusing = True
        exchange.venues.cut(feed)
    try:
        # Where a refusal does not say of what it is, the books that wait say it as their reason.
        await all_are_told(exchange, FEEDS, FeedState.REFUSED, *NOT_LIVE)
        await exchange.is_told("bybit", FeedState.REFUSED)
    finally:
        for feed in FEEDS:
            faults_of(exchange, feed).moods.is_refusing = False
    done = await asyncio.to_thread(run_command, "aggregator", "resume", environ=exchange.environ)
    assert done.returncode == 0, done.stderr


async def test_a_venue_that_is_dead_for_ten_seconds_is_missed_by_nobody_else(
    exchange: OutsideExchange,
) -> None:
    judge = exchange.judge
    faults = faults_of(exchange, "bybit:spot")
    await exchange.merged_on()
    judge.fallen.clear()
    faults.http_status, faults.socket_refusals = 503, 1_000_000
    gone_at_s = time.monotonic()
    exchange.venues.cut("bybit:spot")
    try:
        await eventually_async(lambda: "bybit:spot:BTC/USDT" not in judge.merged["BTC/USDT"].books)
        await eventually_async(lambda: not judge.live_books("bybit:spot:"))
        while time.monotonic() - gone_at_s < GONE_S:
            await exchange.moved_on()
            assert {book for book in judge.fallen if not book.startswith("bybit:spot:")} == set()
            assert "bybit:spot:BTC/USDT" in {
                status.book for status in judge.merged["BTC/USDT"].left_out
            }
    finally:
        faults.socket_refusals = 0
    await exchange.live(BOOKS_EACH * len(FEEDS))
    await eventually_async(lambda: "bybit:spot:BTC/USDT" in judge.merged["BTC/USDT"].books)


async def test_a_book_that_stands_still_among_heartbeats_is_stale_and_no_other(
    exchange: OutsideExchange,
) -> None:
    still = [feed for feed in FEEDS if feed != "okx:spot"]  # There it takes 90 s.
    books = {
        feed: next(name for name in exchange.judge.live_books(feed) if name.endswith(ETHER))
        for feed in still
    }
    for feed, book in books.items():
        faults = faults_of(exchange, feed)
        faults.is_frozen, faults.symbol = True, exchange.judge.market(book).listed.symbol
    try:
        await eventually_async(
            lambda: all(
                exchange.judge.books[book].state is not BookState.LIVE for book in books.values()
            ),
            STALE_DEADLINE_S,
        )
        states = {book: exchange.judge.books[book].state for book in books.values()}
        assert set(states.values()) == {BookState.STALE}, states
        assert len(exchange.judge.live_books()) == BOOKS_EACH * len(FEEDS) - len(books)
        assert all(exchange.judge.books[book].reason for book in books.values())
    finally:
        for feed in still:
            faults = faults_of(exchange, feed)
            faults.is_frozen, faults.symbol = False, ""
