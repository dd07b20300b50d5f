"""A whole list as one CSV, however long, in bounded memory.

The rule of this file: the rows are counted in one moment and exactly these are sent, page by page,
each page of a moment of its own, so that a slow reader holds up no database. Where they cannot all
be sent the stream breaks, and whoever reads it can tell.
"""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
from msgspec import Struct

from history.projection.intervals import INTERVALS_S
from history.projection.views import kline_view
from history.queries.candles import candles_in
from history.queries.csv_text import csv_header, csv_lines
from history.queries.cursors import Place
from history.queries.listings import LISTINGS, Listing
from history.queries.pages import count_of, rows_of, views_of
from history.queries.queries import Queries
from history.queries.snapshots import Snapshot, in_turns
from history.queries.spans import Span, page_of
from history.queries.standing import UnavailableError
from history.sql.tables import orders
from shared.rest.history import Kline
from shared.rest.history_queries import KLINES, HistoryQuery, HistoryRoute, QueryFault

ROWS_MAX = 1_000_000  # A spreadsheet takes no more, and a minute of reading; two are made at once.
PAUSE_MAX_S = 0.1
PAGE_ROWS = 500  # A read of milliseconds, and some 100 kB.


class Export(NamedTuple):
    """How many rows will come, the last event that they are of, and the CSV, header line first.

    The text ends with UnavailableError where not all of them can be read.
    """

    rows: int
    sequence: int
    text: AsyncIterator[bytes]


async def export(queries: Queries, route: HistoryRoute, query: HistoryQuery) -> Export:
    """Return all rows that a question is about; raises as its JSON does."""
    if query.cursor:
        sentence = "A CSV has all rows: leave the cursor out."
        raise QueryFault("INVALID_PARAMETER", sentence, "cursor")
    async with queries.snapshots.open(query.min_sequence) as now:
        await queries.catalog.know(now.connection, market=query.market, asset=query.asset)
        if route is KLINES:
            return await _klines(queries, query, now)
        listing = LISTINGS[route.path]
        rows = await count_of(now.connection, listing, query, ROWS_MAX)
        _refuse_above_limit(rows)
        if listing.table is orders and query.statuses:
            pages = _named_pages(queries, listing, query, await _order_ids(now, listing, query))
        else:
            pages = _pages(queries, listing, query, await _page(queries, listing, query, now))
    return Export(rows, now.sequence, _checked(listing.struct, pages, rows))


def _refuse_above_limit(rows: int) -> None:
    if rows > ROWS_MAX:
        sentence = f"These are more than {ROWS_MAX} rows: narrow from_ns and to_ns."
        raise QueryFault("INVALID_PARAMETER", sentence, "from_ns")


async def _checked(
    kind: type[Struct], pages: AsyncIterator[list[Struct]], rows: int
) -> AsyncIterator[bytes]:
    yield csv_header(kind)
    left, began_s = rows, time.monotonic()
    async for page in pages:
        left -= len(page)
        text = csv_lines(page)
        used_s = time.monotonic() - began_s
        yield text
        # Who makes a long list leaves the recorder half of the loop at least.
        await asyncio.sleep(min(used_s, PAUSE_MAX_S))
        began_s = time.monotonic()
    if left:
        raise UnavailableError(f"{left} rows are gone since they were counted")


class _Page(NamedTuple):
    views: list[Struct]
    next_place: Place | None


async def _page(
    queries: Queries,
    listing: Listing,
    query: HistoryQuery,
    now: Snapshot,
    place: Place | None = None,
) -> _Page:
    rows = await rows_of(now.connection, listing, query, place=place, limit=PAGE_ROWS)
    shown = await views_of(now.connection, listing, rows, queries.catalog)
    return _Page(shown, listing.place(rows[-1]) if len(rows) == PAGE_ROWS else None)


async def _pages(
    queries: Queries, listing: Listing, query: HistoryQuery, page: _Page
) -> AsyncIterator[list[Struct]]:
    """Newest first: what comes in meanwhile is before the first page, and what is behind stays."""
    yield page.views
    while page.next_place is not None:
        async with queries.snapshots.open() as now:
            page = await _page(queries, listing, query, now, page.next_place)
        yield page.views


async def _order_ids(now: Snapshot, listing: Listing, query: HistoryQuery) -> "array[int]":
    """By status an order may be on the list now and not at its page any more: so they are named."""
    asked = sa.select(orders.c.order_id).where(*listing.conditions(query))
    found = await now.connection.stream_scalars(asked.order_by(*listing.newest_first(query)))
    order_ids = array("q")
    async for some in found.partitions(PAGE_ROWS):
        order_ids.extend(some)
    return order_ids


async def _named_pages(
    queries: Queries, listing: Listing, query: HistoryQuery, order_ids: "array[int]"
) -> AsyncIterator[list[Struct]]:
    for start in range(0, len(order_ids), PAGE_ROWS):
        named = orders.c.order_id.in_(order_ids[start : start + PAGE_ROWS].tolist())
        asked = listing.select().where(named, orders.c.account_id == query.account_id)
        async with queries.snapshots.open() as now:
            found = await now.connection.execute(asked.order_by(*listing.newest_first(query)))
            page = await views_of(now.connection, listing, found.all(), queries.catalog)
        yield page


async def _klines(queries: Queries, query: HistoryQuery, now: Snapshot) -> Export:
    span = await queries.span_of(now, query)
    rows = span.count(INTERVALS_S[query.interval])
    _refuse_above_limit(rows)
    pages = _kline_pages(queries, query, span)
    return Export(rows, now.sequence, _checked(Kline, pages, rows))


async def _kline_pages(
    queries: Queries, query: HistoryQuery, span: Span
) -> AsyncIterator[list[Struct]]:
    interval_s, scales = INTERVALS_S[query.interval], queries.catalog.texts(query.market).scales
    next_ns: int | None = span.from_ns
    while next_ns is not None:
        page, next_ns = page_of(
            span, interval_s, limit=PAGE_ROWS, place_ns=next_ns, is_forward=True
        )
        async with queries.snapshots.open() as now:
            candles = await candles_in(now.connection, query.market, interval_s, page)
        yield await in_turns(candles, partial(kline_view, scales=scales, watermark_ns=now.at_ns))
