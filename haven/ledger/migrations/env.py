"""Alembic's entry: runs the migrations on the connection that `haven.ledger.opening` hands over, inside its one transaction."""

from alembic import context

from haven.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
