"""What the history is asked: one method for each route of `shared.rest.history_queries`.

The rule of this file: a question in, a struct out, everything in it of one moment of the history
(see `snapshots`). A no is a QueryFault; NotYetError and UnavailableError may be better in a moment.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from history.projection.intervals import INTERVALS_S, open_of
from history.projection.tickers import Ticker
from history.projection.views import kline_view, ticker_view
from history.queries import story, views
from history.queries.candles import candles_in, first_open
from history.queries.catalog import Catalog
from history.queries.cursors import cursor_of, place_of
from history.queries.listings import LISTINGS
from history.queries.pages import rows_of, views_of
from history.queries.snapshots import Snapshot, Snapshots, in_turns
from history.queries.spans import Span, page_of, whole_span
from history.queries.standing import Standing
from history.sql.database import HistoryDatabase
from shared.rest.history import (
    Fills,
    Klines,
    Ledger,
    Orders,
    OrderStory,
    Rejections,
    Tickers,
    TradeHistory,
)
from shared.rest.history_queries import (
    FILLS,
    KLINES,
    LEDGER,
    ORDER,
    ORDERS,
    REJECTIONS,
    TICKERS,
    TRADES,
    HistoryQuery,
    HistoryRoute,
    QueryFault,
)

_NO_SPAN = Span(0, 0)


class Queries:
    """Answers. `standing` and `tickers` tell of the same moment when they are called one right
    after the other: how far the recorder is, and what the tickers are then. `tickers` raises
    UnavailableError as long as nobody knows.
    """

    def __init__(
        self,
        database: HistoryDatabase,
        standing: Callable[[], Standing],
        tickers: Callable[[], Sequence[Ticker]],
    ) -> None:
        self.snapshots = Snapshots(database, standing)
        self.catalog = Catalog()
        self._tickers = tickers
        self.answers: Mapping[str, Callable[[HistoryQuery], Awaitable[Any]]] = {
            KLINES.path: self.klines,
            TICKERS.path: self.tickers,
            TRADES.path: self.trades,
            ORDERS.path: self.orders,
            ORDER.path: self.order,
            FILLS.path: self.fills,
            LEDGER.path: self.ledger,
            REJECTIONS.path: self.rejections,
        }

    async def klines(self, query: HistoryQuery) -> Klines:
        """Return candles of a market. With `from_ns` the oldest page comes first, else the newest;
        each page is oldest first.
        """
        market, interval_s = query.market, INTERVALS_S[query.interval]
        place = place_of(KLINES.path, query, (int,))
        place_ns = None if place is None else _checked(place[0], interval_s)
        async with self.snapshots.open(query.min_sequence) as now:
            await self.catalog.know(now.connection, market=market)
            whole = await self.span_of(now, query)
            span, next_ns = page_of(
                whole,
                interval_s,
                limit=query.limit,
                place_ns=place_ns,
                is_forward=query.from_ns > 0,
            )
            candles = await candles_in(now.connection, market, interval_s, span)
        scales = self.catalog.texts(market).scales
        klines = await in_turns(candles, lambda candle: kline_view(candle, scales, now.at_ns))
        behind = None if next_ns is None else cursor_of(KLINES.path, query, (next_ns,))
        return Klines(market, query.interval, klines, behind, now.sequence, now.at_ns)

    async def span_of(self, now: Snapshot, query: HistoryQuery) -> Span:
        """Return all intervals that klines are asked of."""
        interval_s = INTERVALS_S[query.interval]
        first_open_ns = await first_open(now.connection, query.market, interval_s)
        if first_open_ns is None:
            return _NO_SPAN
        return whole_span(
            interval_s,
            first_open_ns=first_open_ns,
            watermark_ns=now.at_ns,
            from_ns=query.from_ns,
            to_ns=query.to_ns,
        )

    async def tickers(self, query: HistoryQuery) -> Tickers:
        """Return the tickers of all markets that have traded, or of one."""
        await self.snapshots.reached(query.min_sequence)
        standing, tickers = self.snapshots.standing(), self._tickers()
        found = [each for each in tickers if query.market in ("", each.market)]
        async with self.snapshots.open() as now:
            await self.catalog.know(now.connection, market=query.market)
            await self.catalog.cover(now.connection, {each.market for each in found})
        shown = [ticker_view(each, self.catalog.texts(each.market).scales) for each in found]
        shown.sort(key=lambda view: view.market)
        return Tickers(shown, standing.sequence, standing.watermark_ns)

    async def trades(self, query: HistoryQuery) -> TradeHistory:
        """Return trades of a market, newest first."""
        found, behind, now = await self._page(TRADES, query)
        return TradeHistory(query.market, found, behind, now.sequence, now.at_ns)

    async def orders(self, query: HistoryQuery) -> Orders:
        """Return orders of the account, the last placed first."""
        found, behind, now = await self._page(ORDERS, query)
        return Orders(found, behind, now.sequence, now.at_ns)

    async def order(self, query: HistoryQuery) -> OrderStory:
        """Return one order and all that happened to it, oldest first."""
        place = place_of(ORDER.path, query, (int,))
        after = 0 if place is None else int(place[0])
        async with self.snapshots.open(query.min_sequence) as now:
            order = await story.order_of(now.connection, query.account_id, query.order_id)
            limit = query.limit
            rows = await story.events_of(now.connection, order, after=after, limit=limit + 1)
            await self.catalog.cover(now.connection, (order.market,))
        changes = await in_turns(rows[:limit], story.view_of(order, self.catalog))
        has_more = len(rows) > limit
        behind = cursor_of(ORDER.path, query, (rows[limit - 1].sequence,)) if has_more else None
        shown = views.order(order, self.catalog)
        return OrderStory(shown, changes, behind, now.sequence, now.at_ns)

    async def fills(self, query: HistoryQuery) -> Fills:
        """Return fills of the account, newest first."""
        found, behind, now = await self._page(FILLS, query)
        return Fills(found, behind, now.sequence, now.at_ns)

    async def ledger(self, query: HistoryQuery) -> Ledger:
        """Return the statement of the account, newest line first."""
        found, behind, now = await self._page(LEDGER, query)
        return Ledger(query.account_id, found, behind, now.sequence, now.at_ns)

    async def rejections(self, query: HistoryQuery) -> Rejections:
        """Return what was refused of the account's orders, newest first."""
        found, behind, now = await self._page(REJECTIONS, query)
        return Rejections(found, behind, now.sequence, now.at_ns)

    async def _page(
        self, route: HistoryRoute, query: HistoryQuery
    ) -> tuple[list[Any], str | None, Snapshot]:
        listing, limit = LISTINGS[route.path], query.limit
        place = place_of(route.path, query, listing.kinds)
        async with self.snapshots.open(query.min_sequence) as now:
            await self.catalog.know(now.connection, market=query.market, asset=query.asset)
            rows = await rows_of(now.connection, listing, query, place=place, limit=limit + 1)
            shown = await views_of(now.connection, listing, rows[:limit], self.catalog)
        has_more = len(rows) > limit
        last = listing.place(rows[limit - 1]) if has_more else None
        behind = None if last is None else cursor_of(route.path, query, last)
        return shown, behind, now


def _checked(place_ns: int | str, interval_s: int) -> int:
    is_boundary = isinstance(place_ns, int) and open_of(place_ns, interval_s) == place_ns
    if not is_boundary:
        raise QueryFault("INVALID_PARAMETER", "This is no cursor of klines.", "cursor")
    return int(place_ns)
