"""Opening the database: private files, migrations, and SQLite settings for several processes at once."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.errors import StorageError
from coach.files import make_private_directory, make_private_file
from coach.history.location import describe, is_sqlite
from coach.history.schema import is_current, upgrade

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_CONNECT_SECONDS = 10
_BEGIN = "coach_begin"


def open_engine(address: URL, wait_seconds: float) -> Engine:
    """Return an engine on a database with the newest schema; call it inside ``storage_errors``.

    ``wait_seconds`` is how long to wait for another process that writes (SQLite) or sets the database up.
    """
    with ExitStack() as on_failure:
        if is_sqlite(address):
            path = Path(str(address.database))
            make_private_directory(path.parent)
            make_private_file(path)
            engine = _sqlite_engine(address, wait_seconds)
            on_failure.callback(engine.dispose)
            _set_up_sqlite(engine, path, wait_seconds)
        else:
            engine = _server_engine(address)
            on_failure.callback(engine.dispose)
            if not is_current(engine):
                upgrade(engine, describe(address), wait_seconds)
        on_failure.pop_all()
    return engine


def writing(engine: Engine) -> Engine:
    """Return a view of the engine whose transactions take SQLite's write lock at once.

    A transaction that reads first and asks for the lock later fails at once when somebody else wrote in between,
    however long the timeout; one that begins with the lock waits for its turn.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def scrub(engine: Engine) -> bool:
    """Overwrite what deleted rows left in the database's files; False when another process keeps it from that.

    On PostgreSQL the table is rewritten; the server's own log and backups are out of reach.
    """
    if engine.dialect.name != "sqlite":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM FULL attempts")
        return True
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        # The write-ahead log still holds the old pages until it is written back and cut to nothing.
        row = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        cursor.close()
        return not row[0]
    finally:
        raw.close()


def _set_up_sqlite(engine: Engine, path: Path, wait_seconds: float) -> None:
    from filelock import FileLock

    if is_current(engine):
        return
    # SQLite's own locks do not cover the switch to the write-ahead log, so a lock file goes around all of it.
    with FileLock(f"{path}.lock", timeout=wait_seconds, mode=0o600):
        _use_write_ahead_log(engine)
        upgrade(writing(engine), str(path), wait_seconds)


def _sqlite_engine(address: URL, wait_seconds: float) -> Engine:
    from sqlalchemy import create_engine, event

    engine = create_engine(address, connect_args={"timeout": wait_seconds}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        # Python's own transaction handling is switched off: begin() below says when one starts.
        connection.isolation_level = None
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine


def _use_write_ahead_log(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL").close()
    finally:
        raw.close()


def _server_engine(address: URL) -> Engine:
    from sqlalchemy import create_engine

    options = {"connect_timeout": _CONNECT_SECONDS} if address.get_backend_name() == "postgresql" else {}
    try:
        return create_engine(address, connect_args=options, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise StorageError(
            f"the history needs the Python package {error.name}",
            "For PostgreSQL install it with: pip install 'answer-feedback-coach[postgres]'",
        ) from None
