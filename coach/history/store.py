"""The history of attempts in one private SQLite file, to which is only added.

The file says in ``PRAGMA user_version`` which form it has: 0 is a new file, or one of the first coaches, which kept the
version in a table of its own beside the same table of attempts; a form above _VERSION is a newer coach's. To change the
form, raise _VERSION and bring older files up to date in ``_bring_up_to_date``.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, TypedDict, Unpack

from pydantic import ValidationError

from coach.errors import StorageError
from coach.files import data_directory, make_private_directory, make_private_file
from coach.history.records import Attempt, AttemptRecord
from coach.schema import first_problem
from coach.submit.assessment import Assessment

_FILE_NAME = "history.db"
#: How long a process waits for another one that is writing.
_WAIT_SECONDS = 10.0
_VERSION = 1
#: A number that was deleted is never given again, so that "attempt 7" always means the same text.
_TABLES = (
    """CREATE TABLE IF NOT EXISTS attempts (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        question_id VARCHAR(60) NOT NULL,
        bank_title TEXT NOT NULL,
        model TEXT NOT NULL,
        created_at DATETIME NOT NULL,
        score FLOAT,
        answer_sha256 VARCHAR(64) NOT NULL,
        answer TEXT NOT NULL,
        assessment JSON NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS attempts_by_question ON attempts (question_id, created_at)",
    """CREATE TRIGGER IF NOT EXISTS attempts_are_append_only BEFORE UPDATE ON attempts
    BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END""",
)
_OLD_VERSION_TABLE = "coach_history_version"

_DAMAGED = (
    "It is damaged, or is no history. Move it away to start anew; `sqlite3 FILE .recover` may get its content back."
)
_PERMISSIONS = "Check who may write the file and its directory, or name another directory in COACH_DATA_DIR."
_LOCKED = "Another process holds the database. Wait until it is done, or end it, then try again."
_FULL = "The disk is full or fails. Make room, then try again."
#: By the beginning of SQLite's name of an error.
_HINTS = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_READONLY": _PERMISSIONS,
    "SQLITE_CANTOPEN": _PERMISSIONS,
    "SQLITE_PERM": _PERMISSIONS,
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR": _FULL,
}
_DEFAULT_HINT = "Check the file, or name another directory in COACH_DATA_DIR."


class Conditions(TypedDict, total=False):
    """Which attempts are meant: those that all the given conditions hold for; None is no condition."""

    question_id: str | None
    ids: Collection[int] | None
    bank_title: str | None


class HistoryStore:
    """Saved attempts in one file; may be opened by several processes at once.

    Every method raises StorageError, with a hint, when the file cannot be used. There is no method that changes an
    attempt, and the database refuses it too; ``delete`` is the only way to take one away.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None = None, *, wait_seconds: float = _WAIT_SECONDS) -> Self:
        """Open the history in ``path``, else the user's own; a missing file is made, an older one brought up to date.

        ``wait_seconds`` is how long to wait for another process that writes, or sets the file up. Raises StorageError.
        """
        path = path or history_path()
        with _storage_errors(path), ExitStack() as on_failure:
            make_private_directory(path.parent)
            make_private_file(path)
            # No transaction starts by itself: _writing says when one does.
            connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
            on_failure.callback(connection.close)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            if _version(connection, path) < _VERSION:
                _bring_up_to_date(connection, path, wait_seconds)
            on_failure.pop_all()
            return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the store, which is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def add_record(self, record: AttemptRecord) -> int:
        """Save a record that was made before, such as one from a rescue file; return the attempt's number."""
        with self._writing():
            return self._insert(record)

    def import_records(self, records: Iterable[AttemptRecord]) -> int:
        """Save records of an export, all or none; return how many were new (those that are here are left out)."""
        count = 0
        with self._writing():
            for record in records:
                same = (record.question_id, _stored(record.created_at), record.answer)
                found = "SELECT 1 FROM attempts WHERE question_id = ? AND created_at = ? AND answer = ?"
                if self._connection.execute(found, same).fetchone() is None:
                    self._insert(record)
                    count += 1
        return count

    def attempts(self, limit: int | None = None, **which: Unpack[Conditions]) -> list[Attempt]:
        """Return these attempts (the newest ``limit`` of them), oldest first."""
        with _storage_errors(self.path):
            return [_attempt(row) for row in self._rows(which, -1 if limit is None else limit)]

    def count(self, **which: Unpack[Conditions]) -> int:
        """Return how many of these attempts there are."""
        where, values = _where(which)
        with _storage_errors(self.path):
            return int(self._connection.execute(f"SELECT count(*) FROM attempts{where}", values).fetchone()[0])

    def export(self, stream: TextIO, **which: Unpack[Conditions]) -> int:
        """Write the attempts to a text stream as JSON Lines (see ``AttemptRecord``), oldest first; return how many.

        They are written as stored and not validated, so that an export never fails on one. Raises StorageError, and
        the stream's own OSError.
        """
        with _storage_errors(self.path):
            documents = [_document(row) for row in self._rows(which)]
        # Written after the block: a full disk under the stream is no failure of the history.
        stream.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
        return len(documents)

    def delete(self, *, everything: bool = False, **which: Unpack[Conditions]) -> int:
        """Delete these attempts and return how many there were.

        Their text is overwritten in the database's files as well. Raises ValueError when neither a condition nor
        ``everything`` is given, and StorageError when another process keeps the text from being overwritten; the
        attempts are deleted then, and a repeated call finishes the work.
        """
        where, values = _where(which)
        if everything == bool(where):
            raise ValueError("give conditions, or everything=True")
        with self._writing():
            count = self._connection.execute(f"DELETE FROM attempts{where}", values).rowcount
        try:
            with _storage_errors(self.path):
                self._connection.execute("VACUUM")
                # The write-ahead log still holds the old pages until it is written back and cut to nothing.
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            problem = "another process is reading it" if busy else ""
        except StorageError as error:
            problem = error.message
        if problem:
            raise StorageError(
                f"the attempts were deleted, but their text is not yet overwritten in {self.path} ({problem})",
                "Run the same `coach history delete` again when no other coach is running.",
            )
        return count

    def _insert(self, record: AttemptRecord) -> int:
        values = {
            "question_id": record.question_id,
            "bank_title": record.bank_title,
            "model": record.model,
            "created_at": _stored(record.created_at),
            "score": record.score,
            "answer_sha256": record.assessment.answer_sha256,
            "answer": record.answer,
            "assessment": record.assessment.model_dump_json(by_alias=True),
        }
        names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
        return self._connection.execute(f"INSERT INTO attempts ({names}) VALUES ({places})", values).lastrowid or 0

    def _rows(self, which: Conditions, limit: int = -1) -> list[sqlite3.Row]:
        where, values = _where(which)
        newest = f"SELECT * FROM attempts{where} ORDER BY created_at DESC, id DESC LIMIT ?"
        return self._connection.execute(newest, [*values, limit]).fetchall()[::-1]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _storage_errors(self.path), _transaction(self._connection):
            yield


def new_record(question_id: str, answer: str, assessment: Assessment, bank_title: str) -> AttemptRecord:
    """Return the record of an attempt that is saved now."""
    return AttemptRecord(
        question_id=question_id,
        bank_title=bank_title,
        created_at=datetime.now(UTC),
        answer=answer,
        assessment=assessment,
    )


def history_path() -> Path:
    """Return the user's own history: the SQLite file in COACH_DATABASE_URL, else one in the data directory.

    Raises StorageError for any other address, also for SQLite without a plain file (its privacy could not be kept).
    """
    address = os.environ.get("COACH_DATABASE_URL")
    if not address:
        return data_directory() / _FILE_NAME
    name = address.removeprefix("sqlite:///")
    if name in ("", address) or name.startswith((":", "file:")):
        # The address may hold a password, so it is not repeated.
        raise StorageError(
            "the history is kept in an SQLite file, and COACH_DATABASE_URL names none",
            "Set it to something like sqlite:////path/file.db, or name a directory in COACH_DATA_DIR instead.",
        )
    return Path(name)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the file's form; raises StorageError for a newer coach's."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > _VERSION:
        raise StorageError(
            f"the history {path} was written by a newer coach (its form is {version})", "Update the coach."
        )
    return version


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, wait_seconds: float) -> None:
    """Give a new or older file the form of today, in one transaction: a failure or an interruption changes nothing."""
    from filelock import FileLock

    # SQLite's own locks do not cover the switch to the write-ahead log, so a lock file goes around all of it.
    with FileLock(f"{path}.lock", timeout=wait_seconds, mode=0o600):
        connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection):
            if _version(connection, path) == _VERSION:
                return
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"DROP TABLE IF EXISTS {_OLD_VERSION_TABLE}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write with SQLite's write lock from the start.

    A transaction that reads first and asks for the lock later fails at once when somebody else wrote in between,
    however long the timeout; one that begins with the lock waits for its turn.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _where(which: Conditions) -> tuple[str, list[str]]:
    """Return the clause of the conditions that are given, with their values; an empty one when none is."""
    ids = which.get("ids")
    conditions = {
        "question_id = ?": which.get("question_id"),
        "id IN (SELECT value FROM json_each(?))": None if ids is None else json.dumps(list(ids)),
        "bank_title = ?": which.get("bank_title"),
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return " WHERE " + " AND ".join(given) if given else "", list(given.values())


def _stored(moment: datetime) -> str:
    """Return a time as the file keeps it: UTC, in a form whose order is that of the times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _document(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "schema": "coach/attempt@1",
        "id": row["id"],
        "question_id": row["question_id"],
        "bank_title": row["bank_title"],
        "created_at": datetime.fromisoformat(row["created_at"]).isoformat() + "Z",
        "answer": row["answer"],
        "assessment": json.loads(row["assessment"]),
    }


def _attempt(row: sqlite3.Row) -> Attempt:
    try:
        return Attempt.model_validate(_document(row))
    except ValidationError as error:
        raise StorageError(
            f"attempt {row['id']} of the history cannot be read by this version: {first_problem(error)}",
            "Update the coach; `coach history --export FILE` still gives all attempts as they were saved.",
        ) from None


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Raise every storage error inside the block as StorageError that names the file and what to do.

    The texts never hold an answer.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        hint = next((hint for start, hint in _HINTS.items() if name.startswith(start)), _DEFAULT_HINT)
        raise StorageError(f"the history {path} cannot be used: {error}", hint) from error
    except TimeoutError as error:  # of the lock file
        raise StorageError(
            f"the history {path} is being set up by another process", "Try again when that process is done."
        ) from error
    except OSError as error:
        raise StorageError(f"the history {path} cannot be used: {error.strerror or error}", _PERMISSIONS) from error
    except OverflowError as error:
        raise StorageError(f"the history {path} cannot keep the number: {error}", _DEFAULT_HINT) from error
    except UnicodeEncodeError as error:
        raise StorageError(
            f"the history {path} cannot keep the text: {error.reason}", "Save the answer as UTF-8 text."
        ) from None
    except ValueError as error:
        # A stored time or document that cannot be turned back; the error's text may quote it.
        raise StorageError(f"the history {path} holds something that cannot be read", _DAMAGED) from error
