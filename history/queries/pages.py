"""Reading a page of a list, and counting a list.

The rule of this file: one statement a page, by keys. A statement of all assets is the pages of each
of them, and of these the newest lines: they lie in order one by one, and not together.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from history.queries.catalog import Catalog
from history.queries.cursors import Place
from history.queries.listings import Listing
from history.queries.snapshots import in_turns
from history.sql.tables import assets, ledger, orders
from shared.rest.history_queries import HistoryQuery


async def rows_of(
    connection: AsyncConnection,
    listing: Listing,
    query: HistoryQuery,
    *,
    place: Place | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Return the rows behind a place, newest first."""
    query = await _within_life(connection, listing, query)
    of_assets = None
    if listing.table is ledger and not query.asset:
        of_assets = await _assets_of(connection, query.account_id)
        if not of_assets:
            return ()
    asked = page_statement(listing, query, place, limit, of_assets=of_assets)
    found: Sequence[sa.Row[Any]] = (await connection.execute(asked)).all()
    return found


def page_statement(
    listing: Listing,
    query: HistoryQuery,
    place: Place | None,
    limit: int,
    *,
    of_assets: Sequence[str] | None = None,
) -> sa.Select[Any]:
    """Return the SELECT of a page; `of_assets` are those that a statement of all assets has."""
    conditions = listing.conditions(query)
    if place is not None:
        conditions += listing.behind(query, place)
    page = listing.select().where(*conditions)
    page = page.order_by(*listing.newest_first(query)).limit(limit)
    if of_assets is None:
        return page
    pages = [page.where(ledger.c.asset == asset).subquery() for asset in of_assets]
    together = sa.union_all(*(sa.select(each) for each in pages)).subquery()
    newest_first = [together.c[key].desc() for key in listing.keys]
    return sa.select(together).order_by(*newest_first).limit(limit)


async def count_of(
    connection: AsyncConnection, listing: Listing, query: HistoryQuery, count_max: int
) -> int:
    """Return how many rows a list has, at most one more than `count_max`."""
    query = await _within_life(connection, listing, query)
    counted = sa.select(sa.literal(1)).where(*listing.conditions(query)).limit(count_max + 1)
    total = sa.select(sa.func.count()).select_from(counted.subquery())
    return int((await connection.execute(total)).scalar_one())


async def views_of(
    connection: AsyncConnection, listing: Listing, rows: Sequence[Any], catalog: Catalog
) -> list[Struct]:
    """Return the rows as they are answered."""
    markets = {row.market for row in rows if row.market}
    scales = {row.asset for row in rows} if listing.table is ledger else set()
    await catalog.cover(connection, markets, scales)
    return await in_turns(rows, lambda row: listing.view(row, catalog))


async def _within_life(
    connection: AsyncConnection, listing: Listing, query: HistoryQuery
) -> HistoryQuery:
    """A statement has no index by order, but an order has a beginning and an end."""
    if listing.table is not ledger or not query.order_id:
        return query
    asked = sa.select(orders.c.placed_at_ns, orders.c.updated_at_ns).where(
        orders.c.order_id == query.order_id
    )
    life = (await connection.execute(asked)).first()
    if life is None:
        return query
    end_ns = life.updated_at_ns + 1
    return structs.replace(
        query,
        from_ns=max(query.from_ns, life.placed_at_ns),
        to_ns=min(query.to_ns or end_ns, end_ns),
    )


async def _assets_of(connection: AsyncConnection, account_id: int) -> list[str]:
    """One look for each asset: a join, or EXISTS, would walk over all lines of the account."""
    a_line = (
        sa.select(ledger.c.sequence)
        .where(ledger.c.account_id == account_id, ledger.c.asset == assets.c.asset)
        .limit(1)
        .scalar_subquery()
    )
    asked = sa.select(assets.c.asset).where(a_line.is_not(None))
    return list((await connection.execute(asked)).scalars())
