"""A history on a stand: a small world, its rows in a real database, and queries on top.

The rule of this file: it writes and asks as the recorder and the gateway do, and expects nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from history.projection.batch import Batch
from history.projection.rows import CursorRow
from history.projection.tickers import Ticker
from history.queries.queries import Queries
from history.queries.standing import Standing
from history.sql.database import HistoryDatabase
from history.sql.writer import write
from shared.rest.history_queries import HistoryQuery
from tests.history.queries.world import World

PAGES_MAX = 10_000


class Stand:
    """`world` is what happened, `queries` is who is asked."""

    def __init__(self, database: HistoryDatabase, draw: Random) -> None:
        self.database, self.draw, self.world = database, draw, World(draw)
        self.watermark_ns = 0
        self.cursor = CursorRow(0, 0, 0, "")
        self.tickers: list[Ticker] = []
        self.queries = Queries(database, self.standing, lambda: self.tickers)

    def standing(self) -> Standing:
        return Standing(self.cursor.sequence, max(self.watermark_ns, self.cursor.at_ns))

    async def grow(self, count: int) -> None:
        """Let so many things happen, and write them."""
        self.world.happen(count)
        await self.write(*self.world.taken())

    async def write(self, batch: Batch, cursor: CursorRow) -> None:
        """Write rows and how far they are, as the recorder does."""
        await write(self.database, batch, cursor, self.cursor if self.cursor.n else None)
        self.cursor = cursor


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
