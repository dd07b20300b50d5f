"""How soon candles are there, in a history of millions of trades.

The rule of this file: what is asked is what a chart asks, of every interval and of any time; an
answer counts as it leaves for the door, all its texts made. It is filled with trades and candles
alone, by the writer of the recorder, for nothing else is read.
"""

import random
import time
from collections.abc import Iterator

from msgspec import Struct, json

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.intervals import DAY_S, INTERVALS_S, SECOND_NS
from history.projection.rows import AssetRow, CursorRow, MarketRow, TradeRow
from history.queries.queries import Queries
from history.queries.standing import Standing
from history.sql.database import HistoryDatabase
from history.sql.writer import write
from shared.rest.history_queries import HistoryQuery

MARKET = "COIN_USD"
START_NS = 1_767_225_600 * SECOND_NS  # The first of January 2026.
SPAN_NS = 30 * DAY_S * SECOND_NS  # A month of trades, whatever their number.
BATCH = 50_000
CANDLES = 500
QUESTIONS = 400  # Fifty of each interval.
SEED = 7


class Asked(Struct, frozen=True, kw_only=True):
    """How long answers took, each in nanoseconds, in a history of so many trades."""

    trades: int
    latencies_ns: list[int]


async def measure_klines(database: HistoryDatabase, trades: int) -> Asked:
    """Fill an empty database and ask for candles."""
    stored: CursorRow | None = None
    for batch in filling(trades):
        last = batch.trades[-1]
        cursor = CursorRow(last.sequence, last.n, last.at_ns, "bench")
        await write(database, batch, cursor, stored)
        stored = cursor
    assert stored is not None, "there is at least one trade"
    standing = Standing(stored.sequence, stored.at_ns)
    queries = Queries(database, lambda: standing, lambda: ())
    draw, latencies_ns = random.Random(SEED), []
    for number in range(QUESTIONS):
        interval = list(INTERVALS_S)[number % len(INTERVALS_S)]
        to_ns = START_NS + draw.randrange(SPAN_NS // 10, SPAN_NS)
        query = HistoryQuery(market=MARKET, interval=interval, to_ns=to_ns, limit=CANDLES)
        began_ns = time.perf_counter_ns()
        json.encode(await queries.klines(query))
        latencies_ns.append(time.perf_counter_ns() - began_ns)
    return Asked(trades=trades, latencies_ns=latencies_ns)


def filling(trades: int) -> Iterator[Batch]:
    """Yield the trades of a month, with the candles that they make."""
    draw, candles, price_ticks = random.Random(SEED), MarketCandles(MARKET), 10_000
    step_ns, number = SPAN_NS // trades, 0
    first = Batch()
    base, quote = MARKET.split("_")
    for asset in (base, quote):
        first.assets[asset] = AssetRow(asset, 6, START_NS)
    market = MarketRow(MARKET, base, quote, 2, 1, 10_000, 1, "quote", "{}", START_NS)
    first.markets[MARKET] = market
    batch = first
    while number < trades:
        for _ in range(min(BATCH, trades - number)):
            number += 1
            price_ticks = max(1, price_ticks + draw.randint(-2, 2))
            at_ns = START_NS + number * step_ns - draw.randrange(step_ns)
            batch.trades.append(_trade(number, at_ns, price_ticks, draw.randint(1, 100)))
        batch.candles = candles.add(batch.trades)
        yield batch
        batch = Batch()


def _trade(number: int, at_ns: int, price_ticks: int, lots: int) -> TradeRow:
    side = "buy" if lots % 2 else "sell"
    names = MARKET, number, at_ns, number, number
    sides = 1, number, 0, 2, number + 1, 0
    return TradeRow(*names, price_ticks, lots, price_ticks * lots, side, *sides)
