"""Where the history lies: a private file in the user's data directory, or the database that a variable names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coach.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL

APPLICATION = "answer-feedback-coach"
FILE_NAME = "history.db"
PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
_OTHERS = 0o077


def data_directory() -> Path:
    """Return the folder for what the user keeps: COACH_DATA_DIR, else the platform's own (it may not exist yet)."""
    override = os.environ.get("COACH_DATA_DIR")
    if override:
        return Path(override).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))


def history_url(url: str | None = None) -> URL:
    """Return the database's address: ``url``, else COACH_DATABASE_URL, else the file in the data directory.

    Raises StorageError for an address that cannot be read, for a database that is neither SQLite nor PostgreSQL, and
    for SQLite without a plain file (its privacy could not be kept).
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    text = url or os.environ.get("COACH_DATABASE_URL")
    if not text:
        return URL.create("sqlite", database=str(data_directory() / FILE_NAME))
    hint = (
        "Set COACH_DATABASE_URL to something like postgresql+psycopg://user@host/database or sqlite:////path/file.db."
    )
    try:
        address = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise StorageError("the address of the history database cannot be read", hint) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(f"the history cannot be kept in a {address.get_backend_name()} database", hint)
    if is_sqlite(address) and (not address.database or address.database.startswith((":", "file:"))):
        raise StorageError("the address of the history database names no plain SQLite file", hint)
    return address


def is_sqlite(address: URL) -> bool:
    """Return whether the address is a SQLite file."""
    return address.get_backend_name() == "sqlite"


def describe(address: URL) -> str:
    """Return the address for people, without user, password and options."""
    if is_sqlite(address):
        return str(address.database)
    return f"{address.get_backend_name()} database {address.database or ''} at {address.host or 'the local server'}"


def make_private_directory(directory: Path) -> None:
    """Create the directory, readable by its user only; one that exists keeps its permissions. Raises OSError.

    Permissions of an existing directory are left alone because COACH_DATA_DIR may name any directory, such as a home.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Create the file if needed and take its permissions away from everybody else. Raises OSError.

    SQLite gives its ``-wal`` and ``-shm`` files the permissions of the database.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if mode & _OTHERS:
        for owned in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if owned.exists():
                owned.chmod(PRIVATE_FILE)
