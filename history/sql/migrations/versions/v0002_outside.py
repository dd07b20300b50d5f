"""The record of outside exchanges: trades, touch, candles, and what was missed."""

from alembic import op

from history.sql.outside_tables import OUTSIDE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    OUTSIDE.create_all(op.get_bind())


def downgrade() -> None:
    OUTSIDE.drop_all(op.get_bind())
