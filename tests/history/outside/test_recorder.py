"""What the aggregator publishes is recorded, through losses, restarts and an absent database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NoReturn

import msgspec
import pytest

from history.outside import hearing, recorder
from history.outside.recorder import OutsideRecorder
from history.sql.database import DatabaseAway, HistoryDatabase
from history.sql.outside_tables import (
    outside_candles,
    outside_gaps,
    outside_touches,
    outside_trades,
)
from shared.messages import BookState, OutsideBbo
from shared.publishing import Publisher, PublisherLink
from tests.history.outlet.listening import KEYS
from tests.history.outlet.pencil import SECOND_NS
from tests.history.outside.market import BOOK, START_NS, encoded, outside_trade
from tests.history.outside.test_writing import rows_in
from tests.support.deadlines import eventually_async


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FLUSH_S", 0.05)
    monkeypatch.setattr(hearing, "ROUND_S", 0.05)


class Aggregator:
    """An aggregator inside the test, with one book."""

    boots = count(1_000_000, 1_000_000)

    def __init__(self, redis_url: str) -> None:
        publisher = Publisher("aggregator", KEYS, boot_us=next(self.boots))
        self.link = PublisherLink(redis_url, KEYS, publisher)
        self.trades = publisher.open_log(f"trades:{BOOK}", kept=5)
        self.touch = publisher.open_value(f"bbo:{BOOK}")
        publisher.open_log("trades:consolidated:BTC/USD").add(1, b"{}")
        publisher.open_value("tickers").set(1, b"{}")

    def trade(self, *numbers: int) -> None:
        """Tell trades, one a second by their number."""
        for number in numbers:
            at_ns = START_NS + number * SECOND_NS
            told = outside_trade(number, at_ns, f"{100 + number}.5", "0.25", "buy")
            self.trades.add(at_ns, encoded(told))

    def bid(self, at_ns: int, price: str) -> None:
        told = OutsideBbo(at_ns=at_ns, book=BOOK, state=BookState.LIVE, bid=price)
        self.touch.set(at_ns, msgspec.json.encode(told))


@asynccontextmanager
async def telling(redis_url: str) -> AsyncIterator[Aggregator]:
    aggregator = Aggregator(redis_url)
    await aggregator.link.start()
    try:
        yield aggregator
    finally:
        await aggregator.link.close()


@asynccontextmanager
async def recording(redis_url: str, database: HistoryDatabase) -> AsyncIterator[OutsideRecorder]:
    running = OutsideRecorder(redis_url, KEYS, database, kept_days=3_650)
    await running.start()
    try:
        yield running
    finally:
        await running.close()


async def stored(database: HistoryDatabase) -> list[str]:
    return [row["trade_id"] for row in await rows_in(database, outside_trades)]


async def has(database: HistoryDatabase, *numbers: int) -> None:
    wanted = [f"T{number}" for number in numbers]

    async def is_there() -> bool:
        return await stored(database) == wanted

    await eventually_async(is_there)


async def gaps(database: HistoryDatabase) -> list[dict[str, Any]]:
    return await rows_in(database, outside_gaps)


async def test_trades_and_touches_are_recorded_and_nothing_is_missed_between_two_recorders(
    redis_url: str, history_database: HistoryDatabase
) -> None:
    async with telling(redis_url) as aggregator:
        aggregator.trade(1, 2)
        async with recording(redis_url, history_database) as running:
            await has(history_database, 1, 2)
            aggregator.bid(START_NS, "99.5")
            aggregator.trade(3)
            await has(history_database, 1, 2, 3)
            assert running.metrics()["outside_channels"] == 2
        # When nobody records for a while, the log still has what came.
        aggregator.trade(4, 5)
        async with recording(redis_url, history_database):
            await has(history_database, 1, 2, 3, 4, 5)
    # Then only the time before the first trade is unknown.
    assert [gap["from_ns"] for gap in await gaps(history_database)] == [0]
    [touch] = await rows_in(history_database, outside_touches)
    assert (touch["bid"], touch["at_ns"]) == ("99.5", START_NS)
    candles = await rows_in(history_database, outside_candles)
    [week] = [row for row in candles if row["interval_s"] == 604_800]
    assert (week["open"], week["close"], week["volume"]) == ("101.5", "105.5", "1.25")


async def test_what_nobody_has_any_more_is_a_gap(
    redis_url: str, history_database: HistoryDatabase
) -> None:
    async with telling(redis_url) as aggregator:
        aggregator.trade(1)
        async with recording(redis_url, history_database):
            await has(history_database, 1)
        aggregator.trade(*range(2, 12))
        async with recording(redis_url, history_database):
            await has(history_database, 1, 7, 8, 9, 10, 11)
    # And an aggregator that is started anew was away for some time.
    async with recording(redis_url, history_database), telling(redis_url) as another:
        another.trade(20)
        await has(history_database, 1, 7, 8, 9, 10, 11, 20)
    between = [(gap["from_ns"], gap["until_ns"]) for gap in await gaps(history_database)]
    moments = [START_NS + number * SECOND_NS for number in (1, 7, 11, 20)]
    assert between == [(0, moments[0]), (moments[0], moments[1]), (moments[2], moments[3])]


async def test_a_touch_is_recorded_at_most_once_a_second(
    redis_url: str, history_database: HistoryDatabase
) -> None:
    idle = OutsideRecorder(redis_url, KEYS, history_database, kept_days=1)
    for at_ns, price in ((0, "1"), (10, "2"), (SECOND_NS - 1, "3"), (SECOND_NS, "4")):
        touch = OutsideBbo(at_ns=START_NS + at_ns, book=BOOK, state=BookState.LIVE, bid=price)
        idle._inbox.touches[BOOK] = touch
        await idle.flush()
    rows = await rows_in(history_database, outside_touches)
    assert [row["bid"] for row in rows] == ["1", "4"]


async def test_a_database_that_is_away_delays_and_then_leaves_a_gap(
    redis_url: str, history_database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with telling(redis_url) as aggregator:
        aggregator.trade(1)
        async with recording(redis_url, history_database) as running:
            await has(history_database, 1)
            with monkeypatch.context() as patched:
                patched.setattr(hearing, "TRADES_MAX", 3)
                patched.setattr(history_database, "writing", away)
                aggregator.trade(*range(2, 10))
                await eventually_async(lambda: running.metrics()["outside_passed_over"] == 5)
                await eventually_async(lambda: running.failures > 0)
            await has(history_database, 1, 2, 3, 4)
            aggregator.trade(10)
            await has(history_database, 1, 2, 3, 4, 10)
    [_, gap] = await gaps(history_database)
    assert gap["from_ns"] == START_NS + 4 * SECOND_NS


def away() -> NoReturn:
    raise DatabaseAway("The history cannot be written now: it is away")


async def test_what_cannot_be_stored_is_counted_and_stops_nothing(
    redis_url: str, history_database: HistoryDatabase
) -> None:
    async with telling(redis_url) as aggregator:
        aggregator.trades.add(START_NS, b"{}")
        aggregator.touch.set(START_NS, b"{}")
        aggregator.trade(2)
        async with recording(redis_url, history_database) as running:
            await has(history_database, 2)
            await eventually_async(lambda: running.metrics()["outside_unreadable"] == 2)
