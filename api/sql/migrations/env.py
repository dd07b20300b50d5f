"""How alembic reaches the database.

By the connection that `api.sql.database` hands it, in its transaction.
"""

from alembic import context

from api.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
