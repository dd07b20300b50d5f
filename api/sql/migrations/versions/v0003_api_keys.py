"""API keys, and the number of their last change."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("secret_sealed", sa.String(512), nullable=False),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        sa.Column("ip_allow", sa.String(1024), nullable=False),
        sa.Column("created_at_s", sa.BigInteger, nullable=False),
        sa.Column("expires_at_s", sa.BigInteger),
        sa.Column("last_used_at_s", sa.BigInteger),
        sa.Column("revoked_at_s", sa.BigInteger),
        sa.Column("change_number", sa.BigInteger, nullable=False),
    )
    op.create_index("api_keys_of_user", "api_keys", ["user_id"])
    op.create_index("api_keys_by_change", "api_keys", ["change_number"])
    changes = op.create_table(
        "api_key_changes",
        sa.Column("row_id", sa.Integer, primary_key=True),
        sa.Column("change_number", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(changes, [{"row_id": 1, "change_number": 0}])


def downgrade() -> None:
    op.drop_table("api_key_changes")
    op.drop_table("api_keys")
