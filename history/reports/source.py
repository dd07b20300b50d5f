"""What reports read: the rows of one snapshot of the history, and how its numbers are written.

The rule of this file: everything of a report is read in one transaction, that of `Source`, and
what grows with trading comes in pages of READ_MAX rows; sums are exact whatever their size.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from history.projection.rows import AssetRow, CursorRow, MarketRow
from history.reports.scope import Scope
from history.sql import tables
from shared.money import format_decimal

READ_MAX = 2_000  # Rows in memory at a time: some hundred KB, and few ways to the database.
_LOW_BITS = 32
_LOW_MASK = 2**_LOW_BITS - 1


class ReportError(Exception):
    """The report cannot be made; the text is one sentence for the operator."""


class Source:
    """One snapshot; `cursor` is how far it is. Make it by `open_source`."""

    def __init__(
        self,
        connection: AsyncConnection,
        cursor: CursorRow,
        *,
        markets: dict[str, MarketRow],
        assets: dict[str, AssetRow],
        archive: Path | None = None,
        kept_from_ns: int = 0,
    ) -> None:
        self.connection = connection
        self.cursor = cursor
        self.markets = markets
        self.assets = assets
        self.archive = archive  # The folder of the journal as it came; None: it is not known.
        # Rows before it have left the database, but for the newest line of each statement; 0: none.
        self.kept_from_ns = kept_from_ns
        self.read = 0
        self.on_read: Callable[[int], None] = lambda _read: None

    async def all(self, statement: sa.Executable) -> Sequence[Any]:
        """Return all rows of a statement that has few."""
        found: Sequence[Any] = (await self.connection.execute(statement)).all()
        self._count(len(found))
        return found

    async def each(self, statement: sa.Executable) -> AsyncIterator[Any]:
        """Yield the rows of a statement that may have many."""
        options = {"yield_per": READ_MAX}
        async with self.connection.stream(statement, execution_options=options) as result:
            async for page in result.partitions(READ_MAX):
                self._count(len(page))
                for row in page:
                    yield row

    def market(self, name: str) -> MarketRow:
        """Return a market; raises ReportError."""
        found = self.markets.get(name)
        if found is None:
            known = ", ".join(sorted(self.markets)) or "none"
            raise ReportError(f"There is no market {name} in the history; there is: {known}.")
        return found

    def asked_markets(self, scope: Scope) -> list[MarketRow]:
        """Return the markets that a report is about, by name; raises ReportError."""
        if scope.market:
            return [self.market(scope.market)]
        return [self.markets[name] for name in sorted(self.markets)]

    def scale(self, asset: str) -> int:
        return self.assets[asset].scale

    def amount(self, asset: str, atoms: int) -> str:
        return format_decimal(atoms, self.scale(asset))

    def price(self, market: MarketRow, ticks: int) -> str:
        return format_decimal(ticks * market.price_tick, market.price_scale)

    def quantity(self, market: MarketRow, lots: int) -> str:
        return self.amount(market.base, lots * market.lot_atoms)

    def quote(self, market: MarketRow, atoms: int) -> str:
        return self.amount(market.quote, atoms)

    def _count(self, rows: int) -> None:
        self.read += rows
        self.on_read(self.read)


async def open_source(
    connection: AsyncConnection, archive: Path | None = None, kept_from_ns: int = 0
) -> Source:
    """Return what a connection's snapshot holds; raises ReportError if nothing was recorded yet."""
    cursor = (await connection.execute(sa.select(tables.cursor))).first()
    if cursor is None:
        raise ReportError("The history is empty: no event was recorded yet.")
    markets = [MarketRow._make(row) for row in await connection.execute(sa.select(tables.markets))]
    assets = [AssetRow._make(row) for row in await connection.execute(sa.select(tables.assets))]
    return Source(
        connection,
        CursorRow._make(cursor),
        markets={market.market: market for market in markets},
        assets={asset.asset: asset for asset in assets},
        archive=archive,
        kept_from_ns=kept_from_ns,
    )


def within(table: sa.Table, scope: Scope, *, time: str = "at_ns") -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a scope: its stretch, market and account, where a table has them."""
    at = table.c[time]
    found = [at >= scope.from_ns, at < scope.until_ns]
    if scope.market and "market" in table.c:
        found.append(table.c.market == scope.market)
    if scope.account_id is not None and "account_id" in table.c:
        found.append(table.c.account_id == scope.account_id)
    return found


def whole_sum(column: sa.ColumnElement[int]) -> tuple[sa.ColumnElement[Any], ...]:
    """Return two columns that `whole` makes an exact sum of: a sum of SQLite ends at 64 bits."""
    bits = sa.literal_column(str(_LOW_BITS), sa.Integer)
    mask = sa.literal_column(str(_LOW_MASK), sa.BigInteger)
    high, low = column.op(">>")(bits), column.op("&")(mask)
    return sa.func.sum(high, type_=sa.BigInteger), sa.func.sum(low, type_=sa.BigInteger)


def whole(high: Any, low: Any) -> int:
    """Return the exact sum of the two columns of `whole_sum`; 0 where there was no row."""
    return (int(high or 0) << _LOW_BITS) + int(low or 0)
