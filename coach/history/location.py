"""Where the history lies: a private file in the user's data directory, or the database that a variable names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from coach.errors import StorageError
from coach.files import data_directory

if TYPE_CHECKING:
    from sqlalchemy import URL

FILE_NAME = "history.db"


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
