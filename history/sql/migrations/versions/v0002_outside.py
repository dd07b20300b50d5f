"""The record of outside exchanges: trades, touch, candles, and what was missed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = "outside_trades outside_touches outside_candles outside_gaps"


def upgrade() -> None:
    _create(
        "outside_trades",
        *_texts("book"),
        *_integers("sequence at_ns"),
        *_texts("trade_id price quantity taker_side"),
        *_integers("venue_at_ns"),
        sa.Column("is_recovered", sa.Boolean(), nullable=False),
        key="book sequence",
        by_time="at_ns",
    )
    _create(
        "outside_touches",
        *_texts("book"),
        *_integers("at_ns"),
        *_texts("state bid bid_quantity ask ask_quantity"),
        *_integers("venue_at_ns"),
        key="book at_ns",
        by_time="at_ns",
    )
    _create(
        "outside_candles",
        *_texts("book"),
        *_integers("interval_s open_at_ns"),
        *_texts("open high low close volume quote_volume"),
        *_integers("trades"),
        *_texts("taker_buy_volume taker_buy_quote_volume"),
        *_integers("gaps"),
        key="book interval_s open_at_ns",
        by_time="open_at_ns",
    )
    _create(
        "outside_gaps",
        *_texts("book"),
        *_integers("until_sequence from_ns until_ns"),
        key="book until_sequence",
        by_time="until_ns",
    )


def downgrade() -> None:
    for name in reversed(TABLES.split()):
        op.drop_table(name)


def _create(name: str, *columns: sa.Column[Any], key: str, by_time: str) -> None:
    primary = sa.PrimaryKeyConstraint(*key.split())
    op.create_table(name, *columns, primary, sqlite_with_rowid=False)
    op.create_index(f"{name}_by_time", name, [by_time])


def _texts(names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names.split()]


def _integers(names: str) -> list[sa.Column[Any]]:
    return [
        sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)
        for name in names.split()
    ]
