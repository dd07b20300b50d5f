"""Withdrawals, and the order in which deposits are listed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("deposits_by_time", "deposits", ["created_at_s", "reference"])
    op.create_index("deposits_by_account", "deposits", ["account_id", "created_at_s", "reference"])
    op.create_table(
        "withdrawals",
        sa.Column("reference", sa.String(64), primary_key=True),
        sa.Column("withdrawal_id", sa.BigInteger, nullable=True, unique=True),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.Column("asset", sa.String(16), nullable=False),
        sa.Column("amount_atoms", sa.BigInteger, nullable=False),
        sa.Column("destination", sa.String(256), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer_code", sa.String(64), nullable=False),
        sa.Column("answer_field", sa.String(32), nullable=False),
        sa.Column("after_n", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("created_at_s", sa.BigInteger, nullable=False),
        sa.Column("requested_at_ns", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decision_token", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("external_reference", sa.String(128), nullable=False),
        sa.Column("ended_n", sa.BigInteger, nullable=False),
        sa.Column("ended_sequence", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "idempotency_key", name="withdrawals_by_key"),
        sa.Index("withdrawals_by_state", "state", "withdrawal_id"),
        sa.Index("withdrawals_by_account", "account_id", "withdrawal_id"),
    )


def downgrade() -> None:
    op.drop_table("withdrawals")
    op.drop_index("deposits_by_account", "deposits")
    op.drop_index("deposits_by_time", "deposits")
