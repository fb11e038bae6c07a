"""Entry point that alembic runs for every migration; the open connection comes from ``schema.py``."""

from alembic import context

from coach.edges.history.schema import VERSION_TABLE
from coach.edges.history.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite can undo table changes too: a migration that is interrupted leaves no half-made table.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
