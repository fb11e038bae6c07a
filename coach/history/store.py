"""The history of attempts: answers with their assessments, to which is only added.

SQLAlchemy is loaded by the first ``HistoryStore.open``, not by importing this module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from coach.errors import StorageError
from coach.history.failures import storage_errors
from coach.history.location import describe, history_url
from coach.history.records import Attempt, AttemptRecord
from coach.submit.assessment import Assessment

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: How long a process waits for another one that is writing.
WAIT_SECONDS = 10.0


class HistoryStore:
    """Saved attempts in one database; may be opened by several processes at once.

    Every method raises StorageError, with a hint, when the database cannot be used. There is no method that changes
    an attempt, and the database refuses it too; ``delete`` is the only way to take one away.
    """

    def __init__(self, engine: Engine, location: str) -> None:
        self._engine = engine
        self.location = location

    @classmethod
    def open(cls, url: str | None = None, *, wait_seconds: float = WAIT_SECONDS) -> Self:
        """Open the history at ``url`` (an SQLAlchemy address), else at COACH_DATABASE_URL, else the user's own file.

        A missing database is created, an older one is brought up to date. Raises StorageError.
        """
        from coach.history.database import open_engine

        address = history_url(url)
        location = describe(address)
        with storage_errors(location):
            return cls(open_engine(address, wait_seconds), location)

    def close(self) -> None:
        """Give the database's connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the store, which is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def add(self, question_id: str, answer: str, assessment: Assessment, *, bank_title: str) -> int:
        """Save one attempt and return its number; when this returns, the attempt is on the disk."""
        return self.add_record(new_record(question_id, answer, assessment, bank_title))

    def add_record(self, record: AttemptRecord) -> int:
        """Save a record that was made before, such as one from a rescue file; return the attempt's number."""
        from coach.history import queries

        with self._writing() as connection:
            return queries.add(connection, record)

    def attempts(
        self, question_id: str | None = None, limit: int | None = None, *, bank_title: str | None = None
    ) -> list[Attempt]:
        """Return the attempts (the newest ``limit`` of them) in the order in which they were saved."""
        from coach.history import queries

        with self._reading() as connection:
            return queries.read(connection, question_id, bank_title, limit)

    def last(self, question_id: str, n: int = 2, *, bank_title: str | None = None) -> list[Attempt]:
        """Return the newest ``n`` attempts at a question, oldest first; fewer when there are fewer."""
        return self.attempts(question_id, n, bank_title=bank_title)

    def count(
        self, question_id: str | None = None, *, ids: Collection[int] | None = None, bank_title: str | None = None
    ) -> int:
        """Return how many attempts all the given conditions hold for."""
        from coach.history import queries

        with self._reading() as connection:
            return queries.count(connection, ids, question_id, bank_title)

    def delete(
        self,
        question_id: str | None = None,
        *,
        ids: Collection[int] | None = None,
        bank_title: str | None = None,
        everything: bool = False,
    ) -> int:
        """Delete the attempts that all the given conditions hold for and return how many there were.

        Their text is overwritten in the database's files as well. Raises ValueError when neither a condition nor
        ``everything`` is given, and StorageError when another process keeps the text from being overwritten; the
        attempts are deleted then, and a repeated call finishes the work.
        """
        from coach.history import queries

        if everything == any(condition is not None for condition in (question_id, ids, bank_title)):
            raise ValueError("give conditions, or everything=True")
        with self._writing() as connection:
            count = queries.remove(connection, ids, question_id, bank_title)
        self._scrub()
        return count

    def export(self, stream: TextIO, question_id: str | None = None, *, bank_title: str | None = None) -> int:
        """Write the attempts to a text stream as JSON Lines (see ``AttemptRecord``), oldest first; return how many.

        Raises StorageError, and the stream's own OSError.
        """
        from coach.history import queries

        with self._reading() as connection:
            lines = list(queries.raw_lines(connection, question_id, bank_title))
        # Written after the block: a full disk under the stream is no failure of the history.
        stream.writelines(lines)
        return len(lines)

    def import_records(self, records: Iterable[AttemptRecord]) -> int:
        """Save records of an export, all or none; return how many were new (those that are here are left out)."""
        from coach.history import queries

        wanted = list(records)
        count = 0
        with self._writing() as connection:
            for record in wanted:
                if not queries.is_saved(connection, record):
                    queries.add(connection, record)
                    count += 1
        return count

    def _scrub(self) -> None:
        from coach.history.database import scrub

        try:
            with storage_errors(self.location):
                clean = scrub(self._engine)
        except StorageError as error:
            raise self._not_scrubbed(error.message) from error
        if not clean:
            raise self._not_scrubbed("another process is reading it")

    def _not_scrubbed(self, reason: str) -> StorageError:
        return StorageError(
            f"the attempts were deleted, but their text is not yet overwritten in {self.location} ({reason})",
            "Run the same `coach history delete` again when no other coach is running.",
        )

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with storage_errors(self.location), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        from coach.history.database import writing

        with storage_errors(self.location), writing(self._engine).begin() as connection:
            yield connection


def new_record(question_id: str, answer: str, assessment: Assessment, bank_title: str) -> AttemptRecord:
    """Return the record of an attempt that is saved now."""
    return AttemptRecord(
        question_id=question_id,
        bank_title=bank_title,
        created_at=datetime.now(UTC),
        answer=answer,
        assessment=assessment,
    )
