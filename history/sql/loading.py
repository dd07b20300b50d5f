"""What a recorder and its tickers begin with, read as the rows they were written as.

The rule of this file: each function reads what it returns and no more, by an index.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.intervals import INTERVALS_S, MINUTE_S
from history.projection.recording import Recording
from history.projection.rows import CandleRow, CursorRow, MarketRow, OrderRow
from history.sql.tables import IS_LIVING, candles, cursor, markets, orders

Row = TypeVar("Row", bound=tuple[Any, ...])


async def rows_of(connection: AsyncConnection, row: type[Row], query: sa.Select[Any]) -> list[Row]:
    """Return what a query of a whole table finds, as its rows."""
    found: Iterable[Any] = await connection.execute(query)
    return [row(*columns) for columns in found]


async def load_cursor(connection: AsyncConnection) -> CursorRow | None:
    """Return how far the history is; None: it is empty."""
    found = await rows_of(connection, CursorRow, sa.select(cursor))
    return found[0] if found else None


async def load_recording(connection: AsyncConnection) -> Recording:
    """Return a projection that goes on where the history ends."""
    known = await rows_of(connection, MarketRow, sa.select(markets))
    living = await living_orders(connection)
    newest = [
        candle
        for market in known
        for interval_s in INTERVALS_S.values()
        if (candle := await newest_of(connection, market.market, interval_s)) is not None
    ]
    return Recording(known, living, newest)


async def living_orders(connection: AsyncConnection) -> list[OrderRow]:
    """Return the orders that are not at their end."""
    return await rows_of(connection, OrderRow, sa.select(orders).where(IS_LIVING))


async def newest_of(
    connection: AsyncConnection, market: str, interval_s: int = MINUTE_S
) -> CandleRow | None:
    """Return the newest candle of a market; None: it has none."""
    return await _newest(connection, _candles(market, interval_s))


async def newest_before(
    connection: AsyncConnection, market: str, at_ns: int, interval_s: int = MINUTE_S
) -> CandleRow | None:
    """Return the newest candle of a market that opened before `at_ns`; None: there is none."""
    query = _candles(market, interval_s).where(candles.c.open_at_ns < at_ns)
    return await _newest(connection, query)


async def minutes_of(connection: AsyncConnection, market: str, from_ns: int) -> list[CandleRow]:
    """Return the candles of a minute that open at `from_ns` or later, oldest first."""
    query = _candles(market, MINUTE_S).where(candles.c.open_at_ns >= from_ns)
    return await rows_of(connection, CandleRow, query.order_by(candles.c.open_at_ns))


def _candles(market: str, interval_s: int) -> sa.Select[Any]:
    columns = candles.c
    return sa.select(candles).where(columns.market == market, columns.interval_s == interval_s)


async def _newest(connection: AsyncConnection, query: sa.Select[Any]) -> CandleRow | None:
    newest = query.order_by(candles.c.open_at_ns.desc()).limit(1)
    found = await rows_of(connection, CandleRow, newest)
    return found[0] if found else None
