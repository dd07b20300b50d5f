"""Candles as they are stored, and those between them.

The rule of this file: at most two small reads a page, by the key of the table; what is not stored
is made by `history.projection.candles.filled` and nowhere else.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.candles import filled
from history.projection.rows import CandleRow
from history.queries.spans import Span
from history.sql.loading import newest_before
from history.sql.tables import candles


async def first_open(connection: AsyncConnection, market: str, interval_s: int) -> int | None:
    """Return when the oldest candle begins, None before the first trade."""
    oldest = _of(market, interval_s, candles.c.open_at_ns).order_by(candles.c.open_at_ns).limit(1)
    found: int | None = (await connection.execute(oldest)).scalar()
    return found


async def candles_in(
    connection: AsyncConnection, market: str, interval_s: int, span: Span
) -> list[CandleRow]:
    """Return the candle of each interval of a span, oldest first."""
    begins = candles.c.open_at_ns
    stored = (
        _of(market, interval_s, candles)
        .where(begins >= span.from_ns, begins < span.until_ns)
        .order_by(begins)
    )
    rows = [CandleRow._make(row) for row in await connection.execute(stored)]
    before = None
    if span.until_ns > span.from_ns and not (rows and rows[0].open_at_ns == span.from_ns):
        before = await newest_before(connection, market, span.from_ns, interval_s)
    return list(filled(rows, before, from_ns=span.from_ns, until_ns=span.until_ns))


def _of(market: str, interval_s: int, *what: Any) -> sa.Select[Any]:
    return sa.select(*what).where(candles.c.market == market, candles.c.interval_s == interval_s)
