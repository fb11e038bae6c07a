"""A private database on disk for what would grow with the number of rows, so that memory does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from coach.errors import StorageError

_CACHE_KIB = 4096


def scratch_database() -> sqlite3.Connection:
    """Return an empty database of which at most some MiB stay in memory; it vanishes when it is closed.

    SQLite keeps it in an unnamed file of the temporary directory. Nothing is ever synchronised to disk.
    """
    with scratch_errors():
        # The empty name means: a temporary database on disk.
        connection = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        # One transaction for its whole life: nothing is ever rolled back, and no statement pays for its own.
        connection.execute("BEGIN")
        return connection


@contextmanager
def scratch_errors() -> Iterator[None]:
    """Translate the errors of a scratch database: raises StorageError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(
            f"the temporary index could not be used ({error})", "Free some space in the temporary directory (TMPDIR)."
        ) from error
