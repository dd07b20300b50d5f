"""How alembic reaches the history.

By the connection that `history.sql.database` hands it, in its transaction.
"""

from alembic import context

from history.sql.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
