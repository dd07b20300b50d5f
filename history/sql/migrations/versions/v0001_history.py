"""Trades, fills, orders, statements, candles, and how far they are."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LIVING = "status IN ('open', 'partially_filled', 'pending')"
NAMED = "client_order_id <> ''"
TABLES = (
    "trades fills orders order_changes ledger deposits withdrawals rejections "
    "venue_events markets assets candles cursor"
)


def upgrade() -> None:
    _create_trades()
    _create_fills()
    _create_orders()
    _create_order_changes()
    _create_ledger()
    _create_deposits()
    _create_withdrawals()
    _create_rejections()
    _create_venue_events()
    _create_markets()
    _create_assets()
    _create_candles()
    _create_cursor()


def downgrade() -> None:
    for name in reversed(TABLES.split()):
        op.drop_table(name)


def _create_trades() -> None:
    op.create_table(
        "trades",
        *_texts("market"),
        *_integers("trade_id at_ns n sequence price_ticks quantity_lots quote_atoms"),
        *_texts("taker_side"),
        *_integers(
            "maker_account_id maker_order_id maker_fee_atoms taker_account_id taker_order_id "
            "taker_fee_atoms"
        ),
        sa.PrimaryKeyConstraint("market", "trade_id", "at_ns"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (at_ns)",
    )
    op.create_index("trades_by_time", "trades", ["market", "at_ns"])


def _create_fills() -> None:
    op.create_table(
        "fills",
        *_integers("account_id sequence"),
        *_texts("role"),
        *_integers("at_ns n"),
        *_texts("market"),
        *_integers("trade_id order_id"),
        *_texts("client_order_id side"),
        *_integers("price_ticks quantity_lots quote_atoms"),
        *_texts("fee_asset"),
        *_integers("fee_atoms filled_lots remaining_lots"),
        sa.PrimaryKeyConstraint("account_id", "at_ns", "sequence", "role"),
        postgresql_partition_by="RANGE (at_ns)",
    )
    _create_day_index("fills")
    op.create_index("fills_by_order", "fills", ["order_id", "sequence"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        *_integers("order_id placed_at_ns placed_n account_id"),
        *_texts("client_order_id market side type time_in_force"),
        *_integers(
            "price_ticks quantity_lots budget_atoms filled_lots filled_quote_atoms fee_atoms"
        ),
        *_texts("status end_reason"),
        *_booleans("post_only"),
        *_texts("self_trade"),
        *_integers(
            "expires_at_ns display_lots stop_price_ticks trail_ticks trail_ppm peer_order_id "
            "parent_order_id updated_at_ns updated_sequence"
        ),
        sa.PrimaryKeyConstraint("order_id", "placed_at_ns"),
        postgresql_partition_by="RANGE (placed_at_ns)",
    )
    op.create_index("orders_by_account", "orders", ["account_id", "placed_at_ns", "order_id"])
    op.create_index(
        "orders_by_client_order_id",
        "orders",
        ["account_id", "client_order_id"],
        sqlite_where=sa.text(NAMED),
        postgresql_where=sa.text(NAMED),
    )
    op.create_index(
        "orders_living",
        "orders",
        ["order_id"],
        sqlite_where=sa.text(LIVING),
        postgresql_where=sa.text(LIVING),
    )


def _create_order_changes() -> None:
    op.create_table(
        "order_changes",
        *_integers("order_id sequence at_ns n account_id"),
        *_texts("market change reason status"),
        *_integers("price_ticks stop_price_ticks quantity_lots filled_lots remaining_lots"),
        sa.PrimaryKeyConstraint("order_id", "sequence", "at_ns"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (at_ns)",
    )
    _create_day_index("order_changes")


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        *_integers("account_id"),
        *_texts("asset"),
        *_integers("sequence leg at_ns n"),
        *_texts("cause"),
        *_integers("available_change held_change available held fee_atoms"),
        *_texts("market"),
        *_integers("order_id trade_id withdrawal_id counterparty_account_id"),
        *_texts("reference"),
        sa.PrimaryKeyConstraint("account_id", "asset", "at_ns", "sequence", "leg"),
        postgresql_partition_by="RANGE (at_ns)",
    )
    _create_day_index("ledger")


def _create_deposits() -> None:
    op.create_table(
        "deposits",
        *_integers("sequence at_ns n account_id"),
        *_texts("asset"),
        *_integers("amount_atoms"),
        *_texts("reference"),
        sa.PrimaryKeyConstraint("sequence"),
        sqlite_with_rowid=False,
    )
    op.create_index("deposits_by_account", "deposits", ["account_id", "sequence"])


def _create_withdrawals() -> None:
    op.create_table(
        "withdrawals",
        *_integers("withdrawal_id requested_at_ns account_id"),
        *_texts("asset"),
        *_integers("amount_atoms"),
        *_texts("reference status"),
        *_integers("ended_at_ns ended_n updated_sequence"),
        sa.PrimaryKeyConstraint("withdrawal_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("withdrawals_by_account", "withdrawals", ["account_id", "withdrawal_id"])


def _create_rejections() -> None:
    op.create_table(
        "rejections",
        *_integers("sequence at_ns n account_id"),
        *_texts("code field market"),
        *_integers("order_id"),
        *_texts("client_order_id"),
        sa.PrimaryKeyConstraint("sequence", "at_ns"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (at_ns)",
    )
    op.create_index("rejections_by_account", "rejections", ["account_id", "at_ns", "sequence"])


def _create_venue_events() -> None:
    op.create_table(
        "venue_events",
        *_integers("sequence at_ns n"),
        *_texts("kind market"),
        *_integers("account_id"),
        *_texts("details"),
        sa.PrimaryKeyConstraint("sequence"),
        sqlite_with_rowid=False,
    )


def _create_markets() -> None:
    op.create_table(
        "markets",
        *_texts("market base quote"),
        *_integers("price_scale price_tick lot_atoms atoms_per_tick_lot"),
        *_texts("fee_asset rules"),
        *_integers("created_at_ns"),
        sa.PrimaryKeyConstraint("market"),
        sqlite_with_rowid=False,
    )


def _create_assets() -> None:
    op.create_table(
        "assets",
        *_texts("asset"),
        *_integers("scale created_at_ns"),
        sa.PrimaryKeyConstraint("asset"),
        sqlite_with_rowid=False,
    )


def _create_candles() -> None:
    op.create_table(
        "candles",
        *_texts("market"),
        *_integers("interval_s open_at_ns open_ticks high_ticks low_ticks close_ticks"),
        *_wide("volume_lots quote_atoms"),
        *_integers("trades"),
        *_wide("taker_buy_lots taker_buy_quote_atoms"),
        *_integers("first_trade_id last_trade_id"),
        sa.PrimaryKeyConstraint("market", "interval_s", "open_at_ns"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (open_at_ns)",
    )


def _create_cursor() -> None:
    op.create_table(
        "cursor",
        *_integers("sequence n at_ns"),
        *_texts("batch_digest"),
        sa.PrimaryKeyConstraint("sequence"),
        sqlite_with_rowid=False,
    )
    op.create_index("cursor_is_one_row", "cursor", [sa.text("(sequence IS NOT NULL)")], unique=True)


def _create_day_index(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(f"{table}_by_day", table, ["at_ns"], postgresql_using="brin")


def _integers(names: str) -> list[sa.Column[Any]]:
    return _columns(names, sa.BigInteger())


def _texts(names: str) -> list[sa.Column[Any]]:
    of_server = postgresql.VARCHAR(collation="C")
    return _columns(names, sa.String().with_variant(of_server, "postgresql"))


def _booleans(names: str) -> list[sa.Column[Any]]:
    return _columns(names, sa.Boolean())


def _wide(names: str) -> list[sa.Column[Any]]:
    return _columns(names, sa.Numeric(38, 0).with_variant(sa.BLOB(), "sqlite"))


def _columns(names: str, kind: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False, autoincrement=False) for name in names.split()]
