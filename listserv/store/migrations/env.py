"""Alembic's entry: runs the migrations on the connection of schema.py, in its transaction.

A migration on SQLite must not rebuild a table that others refer to (alembic's batch mode): with
foreign keys on, dropping the old table deletes what refers to it. Add columns and tables.
"""

from alembic import context

from listserv.store.tables import Base

# SQLite too rolls back a schema: session.py says BEGIN itself.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
