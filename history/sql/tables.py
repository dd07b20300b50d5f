"""The tables of the history: a column for every field of a row, in its order.

The rule of this file: it says what the migrations must arrive at. Nothing refers to anything else:
rows are written in bulk, by one writer, in the transaction of the cursor that they belong to.

On PostgreSQL what grows with trading is partitioned by month, and a key has the time of its
partition in it; where the key is unique without it, that changes nothing. What is asked of one
account comes in order of time, then of sequence, which is the same order: so a page or a stretch of
time is found at once, and partitions are read one after the other.
"""

from collections.abc import Iterator
from typing import Any, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

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
from history.sql.wide import Wide

# On SQLite a table lies in the order of its key, but for those with the most rows: they lie in the
# order of their arrival, and an index has their keys. Measured, that writes a fifth more a second.
METADATA = sa.MetaData()
SCHEMA = "history"  # Of PostgreSQL, found by the search path.
VERSION_TABLE = "history_version"

# What a recorder begins with: the orders that are not at their end, as few as rest.
IS_LIVING = sa.TextClause("status IN ('open', 'partially_filled', 'pending')")
HAS_CLIENT_ORDER_ID = sa.TextClause("client_order_id <> ''")
# The columns of an order that change after it was accepted.
ORDER_CHANGES = (
    "price_ticks",
    "quantity_lots",
    "filled_lots",
    "filled_quote_atoms",
    "fee_atoms",
    "status",
    "end_reason",
    "stop_price_ticks",
    "updated_at_ns",
    "updated_sequence",
)
# What grows with trading, and the column of the time that says in which month a row lies.
MONTHLY = {
    "trades": "at_ns",
    "fills": "at_ns",
    "orders": "placed_at_ns",
    "order_changes": "at_ns",
    "ledger": "at_ns",
    "rejections": "at_ns",
    "candles": "open_at_ns",
}
_WIDE = ("volume_lots", "quote_atoms", "taker_buy_lots", "taker_buy_quote_atoms")  # Of candles.


class _Columns:
    """A column for every field of a row."""

    def __init__(self, row: type, *, wide: tuple[str, ...] = ()) -> None:
        self._row, self._wide = row, wide

    def __iter__(self) -> Iterator[sa.Column[Any]]:
        for name, kind in get_type_hints(self._row).items():
            column_type = Wide() if name in self._wide else _type_of(kind)
            yield sa.Column(name, column_type, autoincrement=False, nullable=False)


def _type_of(kind: type) -> Any:
    if kind is str:
        # Compared byte by byte everywhere, and not as they do where a server stands.
        return sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
    return sa.Boolean() if kind is bool else sa.BigInteger()


class _DayIndex:
    """An index of PostgreSQL that costs next to nothing: which pages are of which time."""

    def __new__(cls, name: str) -> sa.Index:  # type: ignore[misc]
        return sa.Index(name, "at_ns", postgresql_using="brin").ddl_if(dialect="postgresql")


trades = sa.Table(
    "trades",
    METADATA,
    *_Columns(TradeRow),
    sa.PrimaryKeyConstraint("market", "trade_id", "at_ns"),
    sa.Index("trades_by_time", "market", "at_ns"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at_ns)",
)
fills = sa.Table(
    "fills",
    METADATA,
    *_Columns(FillRow),
    sa.PrimaryKeyConstraint("account_id", "at_ns", "sequence", "role"),
    _DayIndex("fills_by_day"),
    sa.Index("fills_by_order", "order_id", "sequence"),
    postgresql_partition_by="RANGE (at_ns)",
)
orders = sa.Table(
    "orders",
    METADATA,
    *_Columns(OrderRow),
    sa.PrimaryKeyConstraint("order_id", "placed_at_ns"),
    sa.Index("orders_by_account", "account_id", "placed_at_ns", "order_id"),
    # Most orders have no name. Who looks for one says `HAS_CLIENT_ORDER_ID` too, or it is not used.
    sa.Index(
        "orders_by_client_order_id",
        "account_id",
        "client_order_id",
        sqlite_where=HAS_CLIENT_ORDER_ID,
        postgresql_where=HAS_CLIENT_ORDER_ID,
    ),
    sa.Index("orders_living", "order_id", sqlite_where=IS_LIVING, postgresql_where=IS_LIVING),
    postgresql_partition_by="RANGE (placed_at_ns)",
)
order_changes = sa.Table(
    "order_changes",
    METADATA,
    *_Columns(OrderChangeRow),
    sa.PrimaryKeyConstraint("order_id", "sequence", "at_ns"),
    _DayIndex("order_changes_by_day"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at_ns)",
)
ledger = sa.Table(
    "ledger",
    METADATA,
    *_Columns(LedgerRow),
    sa.PrimaryKeyConstraint("account_id", "asset", "at_ns", "sequence", "leg"),
    _DayIndex("ledger_by_day"),
    postgresql_partition_by="RANGE (at_ns)",
)
deposits = sa.Table(
    "deposits",
    METADATA,
    *_Columns(DepositRow),
    sa.PrimaryKeyConstraint("sequence"),
    sa.Index("deposits_by_account", "account_id", "sequence"),
    sqlite_with_rowid=False,
)
withdrawals = sa.Table(
    "withdrawals",
    METADATA,
    *_Columns(WithdrawalRow),
    sa.PrimaryKeyConstraint("withdrawal_id"),
    sa.Index("withdrawals_by_account", "account_id", "withdrawal_id"),
    sqlite_with_rowid=False,
)
rejections = sa.Table(
    "rejections",
    METADATA,
    *_Columns(RejectionRow),
    sa.PrimaryKeyConstraint("sequence", "at_ns"),
    sa.Index("rejections_by_account", "account_id", "at_ns", "sequence"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at_ns)",
)
venue_events = sa.Table(
    "venue_events",
    METADATA,
    *_Columns(VenueEventRow),
    sa.PrimaryKeyConstraint("sequence"),
    sqlite_with_rowid=False,
)
markets = sa.Table(
    "markets",
    METADATA,
    *_Columns(MarketRow),
    sa.PrimaryKeyConstraint("market"),
    sqlite_with_rowid=False,
)
assets = sa.Table(
    "assets",
    METADATA,
    *_Columns(AssetRow),
    sa.PrimaryKeyConstraint("asset"),
    sqlite_with_rowid=False,
)
candles = sa.Table(
    "candles",
    METADATA,
    *_Columns(CandleRow, wide=_WIDE),
    sa.PrimaryKeyConstraint("market", "interval_s", "open_at_ns"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (open_at_ns)",
)
cursor = sa.Table(
    "cursor",
    METADATA,
    *_Columns(CursorRow),
    sa.PrimaryKeyConstraint("sequence"),
    # An expression that is true of every row: there is one row, or none.
    sa.Index("cursor_is_one_row", sa.TextClause("(sequence IS NOT NULL)"), unique=True),
    sqlite_with_rowid=False,
)
