"""A history of several days, made by hand. The rule of this file: small, and every table."""

from random import Random
from typing import Any, get_type_hints

import sqlalchemy as sa

from history.parquet.days import DAY_NS, SECOND_NS
from history.projection import rows as r
from history.sql import tables as t
from history.sql.database import HistoryDatabase

BEGIN_DAY = 20_000
BEGIN_NS = BEGIN_DAY * DAY_NS
ROWS: dict[sa.Table, type] = {
    t.trades: r.TradeRow,
    t.fills: r.FillRow,
    t.orders: r.OrderRow,
    t.order_changes: r.OrderChangeRow,
    t.ledger: r.LedgerRow,
    t.deposits: r.DepositRow,
    t.withdrawals: r.WithdrawalRow,
    t.rejections: r.RejectionRow,
    t.venue_events: r.VenueEventRow,
    t.candles: r.CandleRow,
}
CHOICES: dict[str, tuple[str, ...]] = {
    "market": ("TATA_INR", "a_b", "JIO_INR"),
    "asset": ("INR", "TATA"),
    "status": ("open", "filled", "pending", "cancelled", "settled"),
}
EVENTS_A_DAY = 40


class Making:
    """Rows whose sequence and time rise together; a balance follows its changes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.sequence = 0
        self._has_room = False
        self._candles: set[tuple[Any, ...]] = set()
        self.balances: dict[tuple[int, str], tuple[int, int]] = {}
        self.made: dict[sa.Table, list[Any]] = {table: [] for table in ROWS}

    def day(self, day: int, events: int = EVENTS_A_DAY) -> None:
        """Make the rows of a day, its first and its last nanosecond with them."""
        begin_ns = day * DAY_NS
        inner = sorted(self.random.randrange(DAY_NS) for _ in range(events - 2))
        for offset in (0, *inner, DAY_NS - 1):
            self.sequence += 1
            for table, row in ROWS.items():
                self.made[table].append(self._row(table, row, begin_ns + offset))

    def _row(self, table: sa.Table, row: type, at_ns: int) -> Any:
        values = {
            name: self._value(name, kind, at_ns) for name, kind in get_type_hints(row).items()
        }
        if table is t.ledger:
            self._move(values)
        if table is t.candles:
            seconds = self.random.choice((1, 60, 86_400, 604_800))
            step_ns, shift_ns = seconds * SECOND_NS, 345_600 * SECOND_NS
            open_ns = (at_ns - shift_ns) // step_ns * step_ns + shift_ns
            values |= {"interval_s": seconds, "open_at_ns": open_ns, "quote_atoms": 10**25}
        if values.get("status") == "pending" and table is t.withdrawals:
            values["ended_at_ns"] = 0
        return row(**values)

    def _value(self, name: str, kind: type, at_ns: int) -> Any:
        if name == "placed_at_ns":
            return at_ns - self.random.randrange(3) * DAY_NS
        if name.endswith("at_ns"):
            return at_ns
        if name in ("sequence", "n", "trade_id", "order_id", "withdrawal_id", "updated_sequence"):
            return self.sequence
        if name in CHOICES:
            return self.random.choice(CHOICES[name])
        if name == "account_id":
            return self.random.randint(1, 4)
        if kind is bool:
            return self.random.random() < 0.5
        return self.random.randint(-(2**62), 2**62) if kind is int else f"{name} ' {self.sequence}"

    def _move(self, values: dict[str, Any]) -> None:
        name = values["account_id"], values["asset"]
        available, held = self.balances.get(name, (0, 0))
        change = self.random.randint(1, 1_000)
        self.balances[name] = available + change, held + 1
        values |= {
            "available_change": change,
            "held_change": 1,
            "available": available + change,
            "held": held + 1,
        }

    async def insert(self, database: HistoryDatabase) -> None:
        """Write what was made since the last time, and a cursor behind it."""
        if not self._has_room:
            await make_room(database)
            self._has_room = True
        at_ns = max(row.at_ns for row in self.made[t.trades])
        for table, rows in self.made.items():
            # Candles of one interval are one row.
            if table is t.candles:  # Of one interval there is one; a week's is there already.
                new = {row[:3]: row for row in rows if row[:3] not in self._candles}
                self._candles |= new.keys()
                rows[:] = new.values()
            await insert(database, table, [row._asdict() for row in rows])
            rows.clear()
        async with database.writing() as connection:
            await connection.execute(sa.delete(t.cursor))
        cursor = r.CursorRow(self.sequence, self.sequence, at_ns, "digest")
        await insert(database, t.cursor, [cursor._asdict()])


async def insert(database: HistoryDatabase, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        async with database.writing() as connection:
            await connection.execute(sa.insert(table), rows)


async def make_room(database: HistoryDatabase) -> None:
    """Give PostgreSQL partitions: of three days here, so that some become old as a whole."""
    if database.dialect != "postgresql":
        return
    async with database.writing() as connection:
        for table in t.METADATA.sorted_tables:
            if "partition_by" not in table.dialect_options["postgresql"]:
                continue
            if not table.dialect_options["postgresql"]["partition_by"]:
                continue
            for day in range(BEGIN_DAY - 9, BEGIN_DAY + 12, 3):
                await connection.exec_driver_sql(
                    f"CREATE TABLE IF NOT EXISTS {table.name}_{day} PARTITION OF {table.name} "
                    f"FOR VALUES FROM ({day * DAY_NS}) TO ({(day + 3) * DAY_NS})"
                )


async def stored(database: HistoryDatabase, table: sa.Table) -> list[tuple[Any, ...]]:
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
        return [tuple(row) for row in rows]
