"""Entry point that alembic runs for every migration; the open connection comes from ``schema.py``."""

from alembic import context

from coach.history.schema import VERSION_TABLE
from coach.history.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
