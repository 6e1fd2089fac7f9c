"""Alembic's entry: runs the migrations on the connection that it is handed, inside its transaction."""

from alembic import context

from syncd.ledger.indexes import INDEXES
from syncd.ledger.schema import metadata

assert INDEXES  # noqa: S101  they are part of the tables once they are loaded

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
