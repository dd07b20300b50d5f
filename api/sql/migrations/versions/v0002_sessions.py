"""Sessions, second factors, reset codes, and several accounts to a user."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("is_disabled", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column(
        "users", sa.Column("auth_version", sa.BigInteger, nullable=False, server_default="0")
    )
    _create_accounts()
    _create_sessions()
    op.create_table(
        "totps",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("sealed_secret", sa.String(512), nullable=False),
        sa.Column("is_confirmed", sa.Boolean, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("failed_count", sa.Integer, nullable=False),
        sa.Column("failed_at_s", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "reset_codes",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("expires_at_s", sa.BigInteger, nullable=False),
        sa.Column("attempts_left", sa.Integer, nullable=False),
    )


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False, index=True
        ),
        sa.Column("label", sa.String(32), nullable=False),
        sa.Column("created_at_s", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO accounts (account_id, user_id, label, created_at_s) "
        "SELECT account_id, user_id, 'main', created_at_s FROM users"
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(32), primary_key=True),
        sa.Column(
            "user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False, index=True
        ),
        sa.Column("audience", sa.String(32), nullable=False),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("family_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("successor_sealed", sa.String(64), nullable=False),
        sa.Column("rotated_at_s", sa.BigInteger, nullable=False),
        sa.Column("created_at_s", sa.BigInteger, nullable=False),
        sa.Column("last_used_at_s", sa.BigInteger, nullable=False),
        sa.Column("expires_at_s", sa.BigInteger, nullable=False),
        sa.Column("access_until_s", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_s", sa.BigInteger, nullable=False, index=True),
        sa.Column("revoked_for", sa.String(16), nullable=False),
    )


def downgrade() -> None:
    for table in ("reset_codes", "totps", "sessions", "accounts"):
        op.drop_table(table)
    op.drop_column("users", "auth_version")
    op.drop_column("users", "is_disabled")
