"""Bringing a database to the newest schema, silently, also when two processes open it at once.

Scripts lie in ``migrations/versions``; to change the schema, add one there, change ``tables.py`` and set HEAD.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coach.errors import StorageError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

#: Revision of the newest script; known here so that alembic is loaded only when something is to be done.
HEAD = "0001"
VERSION_TABLE = "coach_history_version"
SCRIPTS = Path(__file__).resolve().parent / "migrations"

#: Any number will do, as long as every coach takes the same one.
ADVISORY_LOCK = 4_172_031_553


def is_current(engine: Engine) -> bool:
    """Return whether the database has the newest schema; an empty database has none."""
    with engine.connect() as connection:
        return current_revision(connection) == HEAD


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the database's schema, None when it is empty."""
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return revision


def upgrade(engine: Engine, location: str, wait_seconds: float) -> None:
    """Run the missing migrations in one transaction, so that a failure or an interruption changes nothing.

    The caller keeps other processes out (SQLite: a lock file); on PostgreSQL an advisory lock does that here, which is
    waited for at most ``wait_seconds``.
    Raises StorageError when a newer coach wrote the database.
    """
    from alembic import command
    from sqlalchemy import text

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{round(wait_seconds * 1000)}ms'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        revision = current_revision(connection)
        if revision == HEAD:
            return
        config = alembic_config(connection)
        _refuse_newer(config, revision, location)
        command.upgrade(config, "head")


def alembic_config(connection: Connection) -> Config:
    """Return alembic's configuration for this connection, without any ini file."""
    from alembic.config import Config

    config = Config()
    # The % of a path would be read as a placeholder.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(config: Config, revision: str | None, location: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StorageError(
            f"the history {location} was written by a newer coach (its schema is {revision})", "Update the coach."
        )
