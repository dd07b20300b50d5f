"""The tables of the users' database.

The rule of this file: it says what a migration must arrive at.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

users = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("username", sa.String(32), nullable=False),
    sa.Column("username_key", sa.String(32), nullable=False, unique=True),  # In lower case.
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=False, unique=True),
    sa.Column("created_at_s", sa.BigInteger, nullable=False),
    sa.Column("is_disabled", sa.Boolean, nullable=False, server_default="0"),
    # Counts what ends sessions: a login that was proven before cannot open one after.
    sa.Column("auth_version", sa.BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("label", sa.String(32), nullable=False),
    sa.Column("created_at_s", sa.BigInteger, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("session_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("audience", sa.String(32), nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),  # Of its last use.
    sa.Column("family_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("token_hash", sa.String(64), nullable=False),
    sa.Column("previous_hash", sa.String(64), nullable=False),  # See api.identity.refresh_tokens.
    sa.Column("successor_sealed", sa.String(64), nullable=False),
    sa.Column("rotated_at_s", sa.BigInteger, nullable=False),
    sa.Column("created_at_s", sa.BigInteger, nullable=False),
    sa.Column("last_used_at_s", sa.BigInteger, nullable=False),
    sa.Column("expires_at_s", sa.BigInteger, nullable=False),
    sa.Column("access_until_s", sa.BigInteger, nullable=False),  # Of the last access token.
    sa.Column("revoked_at_s", sa.BigInteger, nullable=False, index=True),  # 0: it is not.
    sa.Column("revoked_for", sa.String(16), nullable=False),
)

totps = sa.Table(
    "totps",
    metadata,
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Column("sealed_secret", sa.String(512), nullable=False),
    sa.Column("is_confirmed", sa.Boolean, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),  # A code of it, or before, is used up.
    sa.Column("failed_count", sa.Integer, nullable=False),
    sa.Column("failed_at_s", sa.BigInteger, nullable=False),
)

reset_codes = sa.Table(
    "reset_codes",
    metadata,
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("expires_at_s", sa.BigInteger, nullable=False),
    sa.Column("attempts_left", sa.Integer, nullable=False),
)

deposits = sa.Table(
    "deposits",
    metadata,
    sa.Column("reference", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("asset", sa.String(16), nullable=False),
    sa.Column("amount_atoms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # See api.money.deposits.
    sa.Column("answer_code", sa.String(64), nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("created_at_s", sa.BigInteger, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("label", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("secret_sealed", sa.String(512), nullable=False),  # Of the vault; "" of an ed25519.
    sa.Column("public_key", sa.String(64), nullable=False),  # Base64; "" of an hmac_sha256.
    sa.Column("scopes", sa.String(64), nullable=False),  # Words with commas between.
    sa.Column("ip_allow", sa.String(1024), nullable=False),  # Networks with commas between.
    sa.Column("created_at_s", sa.BigInteger, nullable=False),
    sa.Column("expires_at_s", sa.BigInteger),
    sa.Column("last_used_at_s", sa.BigInteger),
    sa.Column("revoked_at_s", sa.BigInteger),
    sa.Column("change_number", sa.BigInteger, nullable=False),
    sa.Index("api_keys_of_user", "user_id"),
    sa.Index("api_keys_by_change", "change_number"),
)

api_key_changes = sa.Table(
    "api_key_changes",
    metadata,
    sa.Column("row_id", sa.Integer, primary_key=True),  # One row. See api.keys.store.
    sa.Column("change_number", sa.BigInteger, nullable=False),
)

# The two lists of deposits: all of them, and those of one account; newest first.
sa.Index("deposits_by_time", deposits.c.created_at_s, deposits.c.reference)
sa.Index(
    "deposits_by_account", deposits.c.account_id, deposits.c.created_at_s, deposits.c.reference
)

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("reference", sa.String(64), primary_key=True),  # What the ledger's row names.
    sa.Column("withdrawal_id", sa.BigInteger, nullable=True, unique=True),  # The ledger's number.
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("idempotency_key", sa.String(64), nullable=False),
    sa.Column("asset", sa.String(16), nullable=False),
    sa.Column("amount_atoms", sa.BigInteger, nullable=False),
    sa.Column("destination", sa.String(256), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # See api.money.withdrawals.
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

admin_actions = sa.Table(  # See api.admin.audit.
    "admin_actions",
    metadata,
    sa.Column("action_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at_ns", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),  # 0 for the command line.
    sa.Column("username", sa.String(32), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("target", sa.String(128), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("before", sa.Text, nullable=False),  # JSON.
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("outcome", sa.String(64), nullable=False),
    sa.Column("after", sa.Text, nullable=False),  # JSON.
    sa.Column("ended_n", sa.BigInteger, nullable=True, unique=True),
    sa.Column("ended_at_ns", sa.BigInteger, nullable=True),
    sa.Column("ended_hash", sa.String(64), nullable=True),
)
sa.Index("admin_actions_action", admin_actions.c.action)
sa.Index("admin_actions_target", admin_actions.c.target)
sa.Index("admin_actions_username", admin_actions.c.username)

fee_payouts = sa.Table(  # As deposits; they come from the venue's fees.
    "fee_payouts",
    metadata,
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

admin_chain = sa.Table(  # One row: how many records the audit log has, and the hash of the last.
    "admin_chain",
    metadata,
    sa.Column("chain_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# What an operator set for one account; NULL is as for everybody, 0 is no limit.
account_limits = sa.Table(
    "account_limits",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("orders_per_10s", sa.BigInteger, nullable=True),
    sa.Column("orders_per_day", sa.BigInteger, nullable=True),
    sa.Column("changed_at_s", sa.BigInteger, nullable=False),
)
