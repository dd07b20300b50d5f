"""A history on a stand: a small world, its rows in a real database, and queries on top.

The rule of this file: rows are written plainly, by key; how they are written fast is tested
elsewhere.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.projection.tickers import Ticker
from history.queries.queries import Queries
from history.queries.standing import Standing
from history.sql import tables
from history.sql.database import HistoryDatabase
from shared.rest.history_queries import HistoryQuery
from tests.history.queries.world import World

PAGES_MAX = 10_000
Row = NamedTuple


class Stand:
    """`world` is what happened, `queries` is who is asked."""

    def __init__(self, database: HistoryDatabase, draw: Random) -> None:
        self.database, self.draw, self.world = database, draw, World(draw)
        self.watermark_ns = 0
        self.cursor = CursorRow(0, 0, 0, "")
        self.tickers: list[Ticker] = []
        self.queries = Queries(database, self.standing, lambda: self.tickers)
        self._is_ready = False

    def standing(self) -> Standing:
        return Standing(self.cursor.sequence, max(self.watermark_ns, self.cursor.at_ns))

    async def grow(self, count: int) -> None:
        """Let so many things happen, and write them."""
        self.world.happen(count)
        await self.write(*self.world.taken())

    async def write(self, batch: Batch, cursor: CursorRow) -> None:
        """Write rows and how far they are."""
        async with self.database.writing() as connection:
            if not self._is_ready:
                await _make_room(connection)
                self._is_ready = True
            await store(connection, batch, cursor)
        self.cursor = cursor


async def _make_room(connection: AsyncConnection) -> None:
    if connection.dialect.name != "postgresql":
        return
    for table in tables.METADATA.sorted_tables:
        if table.dialect_options["postgresql"]["partition_by"]:
            name = table.name
            await connection.exec_driver_sql(
                f"CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT"
            )


async def store(connection: AsyncConnection, batch: Batch, cursor: CursorRow) -> None:
    """Write the rows; those that were there give way."""
    lists: dict[sa.Table, Iterable[Any]] = {
        tables.trades: batch.trades,
        tables.fills: batch.fills,
        tables.order_changes: batch.order_changes,
        tables.ledger: batch.ledger,
        tables.rejections: batch.rejections,
        tables.candles: batch.candles,
        tables.orders: batch.orders.values(),
        tables.markets: batch.markets.values(),
        tables.assets: batch.assets.values(),
    }
    for table in (tables.candles, tables.orders):
        keys = [column.name for column in table.primary_key.columns]
        same = sa.delete(table).where(*(table.c[key] == sa.bindparam(f"old_{key}") for key in keys))
        old = [{f"old_{key}": getattr(row, key) for key in keys} for row in lists[table]]
        if old:
            await connection.execute(same, old)
    for table, rows in lists.items():
        if made := [row._asdict() for row in rows]:
            await connection.execute(table.insert(), made)
    await connection.execute(sa.delete(tables.cursor))
    await connection.execute(tables.cursor.insert().values(cursor._asdict()))


async def walk(
    ask: Callable[[HistoryQuery], Awaitable[Any]],
    query: HistoryQuery,
    field: str,
    *,
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[Sequence[Any]]:
    """Return the pages of a question, asked one after the other, `between` which more happens."""
    pages: list[Sequence[Any]] = []
    while len(pages) < PAGES_MAX:
        answer = await ask(query)
        pages.append(getattr(answer, field))
        assert len(pages[-1]) <= query.limit
        if answer.next is None:
            return pages
        assert len(pages[-1]) == query.limit, "a page that is not the last one is full"
        query = type(query)(
            **{name: getattr(query, name) for name in query.__struct_fields__ if name != "cursor"},
            cursor=answer.next,
        )
        if between is not None:
            await between()
    raise AssertionError("the pages do not end")
