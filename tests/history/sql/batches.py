"""Random batches for the history's database, and a dict that says what has to be in it.

The rule of this file: rows are of their types and nothing more, with keys as the projection makes
them: what happens comes once, what is now may come again.
"""

import random
from typing import Any, TypeVar, get_type_hints

import sqlalchemy as sa

from history.projection.batch import Batch
from history.projection.rows import (
    AssetRow,
    CandleRow,
    CursorRow,
    DepositRow,
    FillRow,
    LedgerRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
    VenueEventRow,
    WithdrawalRow,
)
from history.sql.database import HistoryDatabase
from history.sql.tables import METADATA, ORDER_CHANGES
from history.sql.wide import INT64_MAX, INT64_MIN

Row = TypeVar("Row", bound=tuple[Any, ...])
MARCH_2026_NS = 1_772_323_200 * 10**9
DAY_NS = 86_400 * 10**9
WIDE_MAX = 10**38 - 1
TEXTS = ("", "a", "BTC", "an 'apostrophe'", 'a "quote"', "tab\tline\nbackslash\\", "ठीक है", "🙂")
EVENTS = {
    "trades": TradeRow,
    "fills": FillRow,
    "order_changes": OrderChangeRow,
    "ledger": LedgerRow,
    "deposits": DepositRow,
    "rejections": RejectionRow,
    "venue_events": VenueEventRow,
}


class History:
    """What has to be stored, and the batches that lead there."""

    def __init__(self, rng: random.Random, rows_max: int = 40) -> None:
        self._rng, self._rows_max = rng, rows_max
        self.cursor: CursorRow | None = None
        self.stored: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {
            name: {} for name in METADATA.tables
        }

    def next_batch(self) -> tuple[Batch, CursorRow]:
        """Return a batch that follows, and the cursor at its end; `take` it when it is stored."""
        rng, batch = self._rng, Batch()
        cursor = self.cursor or CursorRow(0, 0, 0, "")
        first, self._n = cursor.sequence + 1, cursor.n + rng.randint(1, 5)
        self._sequence = first
        for name, row in EVENTS.items():
            for _ in range(rng.randint(0, self._rows_max)):
                getattr(batch, name).append(self._event(row))
        for _ in range(rng.randint(0, self._rows_max)):
            self._order(batch)
            candle = self._of(CandleRow, market=rng.choice("AB"), interval_s=60)
            batch.candles.append(candle._replace(open_at_ns=rng.randrange(9) * DAY_NS))
            withdrawal = self._of(WithdrawalRow, withdrawal_id=rng.randrange(30))
            batch.withdrawals[withdrawal.withdrawal_id] = withdrawal
            market, asset = self._of(MarketRow), self._of(AssetRow)
            batch.markets[market.market], batch.assets[asset.asset] = market, asset
        batch.candles = list({_key("candles", row): row for row in batch.candles}.values())
        digest = rng.randbytes(8).hex()
        return batch, CursorRow(self._sequence, self._n, self._at_ns(), digest)

    def take(self, batch: Batch, cursor: CursorRow) -> None:
        """Take a batch over as stored."""
        for name, rows in self.stored.items():
            if name == "cursor":
                rows.clear()
                rows[()] = cursor
                continue
            found = getattr(batch, name)
            for row in found.values() if isinstance(found, dict) else found:
                rows[_key(name, row)] = row
        self.cursor = cursor

    async def compare(self, database: HistoryDatabase) -> None:
        """Hold every row of the database against what has to be there."""
        async with database.reading() as connection:
            for name, table in METADATA.tables.items():
                found = await connection.execute(sa.select(table))
                rows = [tuple(row) for row in found]
                assert sorted(rows) == sorted(map(tuple, self.stored[name].values())), name

    def _event(self, row: type[Row]) -> Row:
        self._sequence += 1
        unique = {"sequence": self._sequence}
        if row is TradeRow:
            unique["trade_id"] = self._sequence
        return self._of(row, **unique, at_ns=self._at_ns())

    def _order(self, batch: Batch) -> None:
        known = list(self.stored["orders"].values())
        if known and self._rng.random() < 0.5:
            old = OrderRow(*self._rng.choice(known))
            new = self._of(OrderRow)
            changes = {name: getattr(new, name) for name in ORDER_CHANGES}
            batch.orders[old.order_id] = old._replace(**changes)
            return
        self._sequence += 1
        names = {"order_id": self._sequence, "placed_n": self._n, "placed_at_ns": self._at_ns()}
        batch.orders[self._sequence] = self._of(OrderRow, **names)

    def _at_ns(self) -> int:
        if self._rng.random() < 0.02:
            return self._rng.choice((0, INT64_MAX))
        return MARCH_2026_NS + self._rng.randrange(-40 * DAY_NS, 40 * DAY_NS)

    def _of(self, row: type[Row], **given: Any) -> Row:
        fields = get_type_hints(row)
        wide = row is CandleRow
        values = {name: self._value(kind, name, wide=wide) for name, kind in fields.items()}
        return row(**{**values, **given})

    def _value(self, kind: type, name: str, *, wide: bool) -> Any:
        rng = self._rng
        if kind is bool:
            return rng.random() < 0.5
        if kind is str:
            return rng.choice(TEXTS)
        is_sum = name in ("volume_lots", "quote_atoms", "taker_buy_lots", "taker_buy_quote_atoms")
        limits = (0, INT64_MAX + 1, WIDE_MAX) if wide and is_sum else (0, INT64_MIN, INT64_MAX)
        return rng.choice((*limits, rng.randrange(10**6)))


def _key(name: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    names = [column.name for column in METADATA.tables[name].primary_key]
    return tuple(getattr(row, column) for column in names)
