"""The limits that operators set for single accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_limits",
        sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("orders_per_10s", sa.BigInteger, nullable=True),
        sa.Column("orders_per_day", sa.BigInteger, nullable=True),
        sa.Column("changed_at_s", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("account_limits")
