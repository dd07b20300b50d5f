"""The recent trades of a market, page by page, newest first.

The rule of this file: a page begins right below the trade that it is asked to come before, however
many trades there were meanwhile; trades are numbered without gaps, so their place can be computed.
"""

from typing import NamedTuple

from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.markets import format_price, format_quantity
from shared.messages import Market, Side
from shared.rest.market_data import TradeView
from shared.wire import TradeRow, decode

MOVED_MAX = 100  # Trades between two reads, some milliseconds; with more, a page is shorter.


class TradesPage(NamedTuple):
    """Some trades, and the id that the next page comes before, None if there is none.

    `is_below`: there are none because all that could be are older than those that are kept here.
    """

    trades: list[TradeRow]
    next_before: int | None
    is_below: bool = False


async def read_trades(
    store: Store, market: str, before: int, limit: int, min_sequence: int
) -> TradesPage:
    """Return up to `limit` trades with ids below `before`, or (0) the newest; raises ApiError."""
    key = store.keys.trades(market)
    first = newest = 0
    if before:
        _, (row,) = await store.read(("LINDEX", key, 0), min_sequence=min_sequence)
        newest = decode(row, TradeRow).trade_id if row is not None else 0
        first = max(newest - before + 1, 0)
    # The trades asked for can only have moved away from the newest one by now.
    moved_max = MOVED_MAX if before else 0
    _, (count, rows) = await store.read(
        ("LLEN", key),
        ("LRANGE", key, first, first + limit + moved_max - 1),
        min_sequence=min_sequence,
    )
    trades = [decode(row, TradeRow) for row in rows]
    moved = sum(trade.trade_id >= before for trade in trades) if before else 0
    page = trades[moved : moved + limit]
    is_last = first + moved + len(page) >= count
    if is_last:
        return TradesPage(page, None, is_below=newest > 0 and not page)
    return TradesPage(page, page[-1].trade_id if page else before)


def trade_view(row: TradeRow, market: Market, catalog: Catalog) -> TradeView:
    return TradeView(
        row.trade_id,
        format_price(market, row.price_ticks),
        format_quantity(market, catalog.scale(market.base), row.quantity_lots),
        row.taker_side.value,
        row.taker_side is Side.SELL,
        row.at_ns,
    )
