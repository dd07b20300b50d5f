"""A recorder that starts anew has what the one before it had."""

import random

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.intervals import INTERVALS_S, MINUTE_S, SECOND_NS
from history.projection.living import LIVING
from history.projection.rows import CandleRow, CursorRow, OrderRow, TradeRow
from history.sql import loading
from history.sql.database import HistoryDatabase
from history.sql.writer import write
from tests.history.sql.batches import MARCH_2026_NS, History

MARKETS = ("BTC_USDT", "ETH_USDT")
TRADE = TradeRow("", 0, 0, 1, 1, 1, 1, 1, "buy", 1, 1, 0, 2, 2, 0)


def _trades(rng: random.Random) -> list[TradeRow]:
    """Trades of two markets over an hour at the turn of a month, many at one moment."""
    at_ns, found = MARCH_2026_NS - 1_800 * SECOND_NS, []
    for number in range(1, 400):
        at_ns += rng.choice((0, 1, SECOND_NS // 3, 17 * SECOND_NS))
        price, lots = rng.randint(90, 110), rng.randint(1, 9)
        found.append(
            TRADE._replace(
                market=rng.choice(MARKETS),
                trade_id=number,
                at_ns=at_ns,
                price_ticks=price,
                quantity_lots=lots,
                quote_atoms=price * lots,
            )
        )
    return found


async def test_an_empty_history_has_no_cursor(history_database: HistoryDatabase) -> None:
    async with history_database.reading() as connection:
        assert await loading.load_cursor(connection) is None
        recording = await loading.load_recording(connection)
        assert await loading.newest_of(connection, "M") is None
        assert await loading.newest_before(connection, "M", 10) is None
    assert recording.finish() == Batch()


async def test_candles_are_found_by_time(history_database: HistoryDatabase, seed: int) -> None:
    trades = _trades(random.Random(seed))
    batch = Batch(trades=trades)
    for market in MARKETS:
        batch.candles += MarketCandles(market).add([t for t in trades if t.market == market])
    await write(history_database, batch, CursorRow(1, 1, trades[-1].at_ns, ""), None)
    market, mid_ns = MARKETS[0], trades[200].at_ns
    ours = [candle for candle in batch.candles if candle.market == market]

    def of(interval_s: int, from_ns: int = 0) -> list[CandleRow]:
        found = (candle for candle in ours if candle.interval_s == interval_s)
        within = (candle for candle in found if candle.open_at_ns >= from_ns)
        return sorted(within, key=lambda candle: candle.open_at_ns)

    async with history_database.reading() as connection:
        for interval_s in INTERVALS_S.values():
            newest = await loading.newest_of(connection, market, interval_s)
            assert newest == of(interval_s)[-1]
        assert await loading.minutes_of(connection, market, mid_ns) == of(MINUTE_S, mid_ns)
        for minute in of(MINUTE_S):
            at_ns = minute.open_at_ns
            before = [candle for candle in of(MINUTE_S) if candle.open_at_ns < at_ns]
            found = await loading.newest_before(connection, market, at_ns)
            assert found == (before[-1] if before else None)


async def test_orders_that_are_not_at_their_end_are_loaded(
    history_database: HistoryDatabase, seed: int
) -> None:
    history = History(random.Random(seed))
    words = (*LIVING, "filled", "cancelled", "expired")
    for _ in range(3):
        batch, cursor = history.next_batch()
        for number, order in enumerate(batch.orders.values()):
            batch.orders[order.order_id] = order._replace(status=words[number % len(words)])
        await write(history_database, batch, cursor, history.cursor)
        history.take(batch, cursor)
    stored = [OrderRow(*row) for row in history.stored["orders"].values()]
    async with history_database.reading() as connection:
        assert await loading.load_cursor(connection) == history.cursor
        found = await loading.living_orders(connection)
    assert sorted(found) == sorted(order for order in stored if order.status in LIVING)
