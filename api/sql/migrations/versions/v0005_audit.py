"""The audit log of the operators' actions, and the payouts of fees."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin_actions",
        sa.Column("action_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("username", sa.String(32), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(128), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("ended_n", sa.BigInteger, nullable=True, unique=True),
        sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
        sa.Column("ended_hash", sa.String(64), nullable=True),
    )
    for column in ("action", "target", "username"):
        op.create_index(f"admin_actions_{column}", "admin_actions", [column])
    chain = op.create_table(
        "admin_chain",
        sa.Column("chain_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "fee_payouts",
        sa.Column("reference", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("asset", sa.String(16), nullable=False),
        sa.Column("amount_atoms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer_code", sa.String(64), nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("created_at_s", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(chain, [{"chain_id": 1, "records": 0, "hash": ""}])


def downgrade() -> None:
    op.drop_table("fee_payouts")
    op.drop_table("admin_chain")
    op.drop_table("admin_actions")
