"""What the outlet begins with: what is stored of each market that has traded.

The rule of this file: reads only, one market at a time, so that no snapshot of the database lives
long and memory is that of the windows themselves.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.intervals import INTERVALS_S, open_of
from history.projection.rows import AssetRow, CandleRow, MarketRow
from history.projection.tickers import KEPT_S, WINDOW_NS, TickerWindow
from history.sql.database import HistoryDatabase
from history.sql.loading import minutes_of, newest_before, newest_of, rows_of
from history.sql.tables import assets, markets, trades


class Stored(NamedTuple):
    """A market that has traded: its newest candle of each interval, and its last 24 hours."""

    market: str
    newest: list[CandleRow]
    window: TickerWindow


async def load_names(database: HistoryDatabase) -> tuple[list[AssetRow], list[MarketRow]]:
    """Return all assets and markets; raises DatabaseError."""
    async with database.reading() as connection:
        known = await rows_of(connection, AssetRow, sa.select(assets))
        named = sa.select(markets).order_by(markets.c.market)
        return known, await rows_of(connection, MarketRow, named)


async def load_stored(
    database: HistoryDatabase, names: list[MarketRow], watermark_ns: int
) -> AsyncIterator[Stored]:
    """Yield those markets that have traded; raises DatabaseError."""
    from_ns = open_of(watermark_ns - WINDOW_NS, KEPT_S)
    for name in names:
        async with database.reading() as connection:
            newest = await _newest(connection, name.market)
            if newest:
                window = await _window(connection, name.market, from_ns)
                window.last_lots = await _last_lots(connection, newest[0])
                yield Stored(name.market, newest, window)


async def _newest(connection: AsyncConnection, market: str) -> list[CandleRow]:
    newest = [
        await newest_of(connection, market, interval_s) for interval_s in INTERVALS_S.values()
    ]
    return [candle for candle in newest if candle is not None]


async def _window(connection: AsyncConnection, market: str, from_ns: int) -> TickerWindow:
    previous = await newest_before(connection, market, from_ns)
    return TickerWindow(market, await minutes_of(connection, market, from_ns), previous)


async def _last_lots(connection: AsyncConnection, newest: CandleRow) -> int:
    chosen = sa.select(trades.c.quantity_lots).where(
        trades.c.market == newest.market,
        trades.c.trade_id == newest.last_trade_id,
        trades.c.at_ns >= newest.open_at_ns,  # Where it is partitioned, it is in the newest part.
    )
    lots = await connection.scalar(chosen)
    assert lots is not None, f"the last trade of {newest.market} is not stored"
    return int(lots)
