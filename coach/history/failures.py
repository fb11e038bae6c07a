"""Turning the errors of SQLite, SQLAlchemy, alembic and the disk into StorageError."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from coach.errors import StorageError

_DAMAGED = (
    "It is damaged, or is no history. Move it away to start anew; `sqlite3 FILE .recover` may get its content back."
)
_PERMISSIONS = "Check who may write the file and its directory, or name another directory in COACH_DATA_DIR."
_LOCKED = "Another process holds the database. Wait until it is done, or end it, then try again."
#: SQLite's names of its errors (the beginning of them), and PostgreSQL's SQLSTATE codes.
_HINTS = (
    ("SQLITE_BUSY", _LOCKED),
    ("SQLITE_LOCKED", _LOCKED),
    ("55P03", _LOCKED),
    ("SQLITE_NOTADB", _DAMAGED),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_READONLY", _PERMISSIONS),
    ("SQLITE_CANTOPEN", _PERMISSIONS),
    ("SQLITE_PERM", _PERMISSIONS),
    ("SQLITE_FULL", "The disk is full. Make room, then try again."),
)
_DEFAULT_HINT = "Check the database, or name another one in COACH_DATABASE_URL or COACH_DATA_DIR."


@contextmanager
def storage_errors(location: str) -> Iterator[None]:
    """Raise every storage error inside the block as StorageError that names the location and what to do.

    The texts never hold the statement's parameters: those are the candidate's answers.
    """
    from filelock import Timeout
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise _translated(location, error.orig or error) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _translated(location, error) from error
    except Timeout as error:
        raise StorageError(
            f"the history {location} is being set up by another process", "Try again when that process is done."
        ) from error
    except OSError as error:
        raise StorageError(f"the history {location} cannot be used: {error.strerror or error}", _PERMISSIONS) from error
    except OverflowError as error:
        raise StorageError(f"the history {location} cannot keep the number: {error}", _DEFAULT_HINT) from error
    except UnicodeEncodeError as error:
        raise StorageError(
            f"the history {location} cannot keep the text: {error.reason}", "Save the answer as UTF-8 text."
        ) from None
    except ValueError as error:
        # A stored time or document that SQLAlchemy cannot turn back; the error's text may quote it.
        raise StorageError(f"the history {location} holds something that cannot be read", _DAMAGED) from error


def _translated(location: str, error: BaseException) -> StorageError:
    name = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    hint = next((hint for prefix, hint in _HINTS if name.startswith(prefix)), _DEFAULT_HINT)
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return StorageError(f"the history {location} cannot be used: {reason}", hint)
