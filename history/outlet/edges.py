"""Reading what the edges of the windows cut through.

The rule of this file: the edges of all markets lie in the same second, so that one statement reads
for all of them: one a second and one a minute, however many markets there are.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.outlet.windows import Cut
from history.projection.candles import BASE_S
from history.projection.intervals import close_of
from history.projection.rows import CandleRow, TradeRow
from history.sql.tables import candles, trades

MARKETS_MAX = 500  # In one statement: what comes of it, 60 candles each, is some 10 MB.


async def seconds_of(connection: AsyncConnection, cut: Cut) -> dict[str, list[CandleRow]]:
    """Return the candles of a second of a minute that is cut, by market, oldest first."""
    of_market: dict[str, list[CandleRow]] = {}
    at, until_ns = candles.c.open_at_ns, close_of(*reversed(cut.wanted))
    for markets in _pages(cut.markets):
        chosen = sa.select(candles).where(
            candles.c.market.in_(markets),
            candles.c.interval_s == BASE_S,
            at >= cut.wanted.open_at_ns,
            at < until_ns,
        )
        for row in await connection.execute(chosen.order_by(candles.c.market, at)):
            of_market.setdefault(row.market, []).append(CandleRow(*row))
    return of_market


async def trades_of(connection: AsyncConnection, cut: Cut) -> dict[str, list[TradeRow]]:
    """Return the trades of a second that is cut, by market, oldest first."""
    of_market: dict[str, list[TradeRow]] = {}
    at, until_ns = trades.c.at_ns, close_of(*reversed(cut.wanted))
    for markets in _pages(cut.markets):
        chosen = sa.select(trades).where(
            trades.c.market.in_(markets), at >= cut.wanted.open_at_ns, at < until_ns
        )
        by_id = chosen.order_by(trades.c.market, trades.c.trade_id)
        for row in await connection.execute(by_id):
            of_market.setdefault(row.market, []).append(TradeRow(*row))
    return of_market


def _pages(markets: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(markets), MARKETS_MAX):
        yield markets[at : at + MARKETS_MAX]
