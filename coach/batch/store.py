"""The one file of a batch, ``batch.db``: its rows as they were read, their results, problems, jobs and facts.

Each result is one commit in SQLite's write-ahead log: ``kill -9`` loses none, a power cut the last few at most. A row
is finished while there is a result with its key, so what changed (an answer, the bank, the prompts, the model, the
method) is judged again, and only that; a failed row too. Results are never deleted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from coach.batch.rows import AnswerRow, BatchJob, RowKey, RowProblem, RowResult
from coach.errors import InputError, StorageError
from coach.files import make_private_file
from coach.submit.assessment import Assessment

NAME = "batch.db"
_LOCK = "batch.lock"
_VERSION = 1
#: A disk that is full or fails, permissions, and locks: nothing is wrong with the file.
_NO_DAMAGE = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip
#: So many rows are held in memory while they are walked through.
_PAGE = 200

#: The rows of the inputs as they are now, and what could not be read of them. ``leads``: the first of equal answers.
_INPUTS = """
CREATE TABLE IF NOT EXISTS {where}.rows (place INTEGER PRIMARY KEY, row_id TEXT UNIQUE NOT NULL, key TEXT NOT NULL,
    same TEXT NOT NULL, leads INTEGER NOT NULL, rank INTEGER NOT NULL, question_id TEXT NOT NULL, candidate TEXT,
    answer TEXT NOT NULL, source TEXT NOT NULL, line INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS {where}.rows_by_key ON rows (key);
CREATE INDEX IF NOT EXISTS {where}.rows_by_same ON rows (same);
CREATE INDEX IF NOT EXISTS {where}.rows_in_turn ON rows (rank, place) WHERE leads;
CREATE TABLE IF NOT EXISTS {where}.problems (source TEXT NOT NULL, line INTEGER NOT NULL, message TEXT NOT NULL);
"""
#: What must not be lost. ``reason``: why it failed. ``sent``: what is in jobs that were not collected yet.
_KEPT = """
CREATE TABLE IF NOT EXISTS {where}.results (number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, same TEXT NOT NULL,
    row_id TEXT NOT NULL, same_as TEXT, reason TEXT, score REAL, needs_review INTEGER, assessment TEXT,
    at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS {where}.results_by_same ON results (same);
CREATE TABLE IF NOT EXISTS {where}.jobs (number INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS {where}.sent (custom_id TEXT PRIMARY KEY, job INTEGER NOT NULL, key TEXT NOT NULL,
    same TEXT NOT NULL, row_id TEXT NOT NULL, question_id TEXT NOT NULL, answer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS {where}.sent_by_same ON sent (same);
CREATE TABLE IF NOT EXISTS {where}.facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
#: A result is never replaced by another one or by a failure.
KEEP_RESULT = """INSERT INTO results (key, same, row_id, same_as, reason, score, needs_review, assessment, at)
    VALUES (:key, :same, :row_id, :same_as, :reason, :score, :needs_review, :assessment, :at)
    ON CONFLICT (key) DO UPDATE SET same = excluded.same, row_id = excluded.row_id,
    same_as = excluded.same_as, reason = excluded.reason, score = excluded.score, needs_review = excluded.needs_review,
    assessment = excluded.assessment, at = excluded.at WHERE results.reason IS NOT NULL"""
_TAKE_IN = """INSERT INTO rows (row_id, key, same, leads, rank, question_id, candidate, answer, source, line)
    VALUES (:row_id, :key, :same, NOT EXISTS (SELECT 1 FROM rows WHERE same = :same), :rank, :question_id, :candidate,
    :answer, :source, :line)"""
_SENT = "SELECT *, rowid AS place, 0 AS rank, NULL AS candidate, '' AS source, 0 AS line FROM sent WHERE job = "
_OK = "EXISTS (SELECT 1 FROM results WHERE {0} = rows.{0} AND reason IS NULL)"
_TO_JUDGE = f"leads AND NOT {_OK.format('same')} AND NOT {_OK.format('key')}"
#: Rows with the result that has this number. ``taken``: it is another row's, and cost nothing.
_WITH_RESULT = """SELECT rows.*, r.row_id != rows.row_id AS taken, r.reason, r.score, r.needs_review,
    r.assessment, r.at,
    coalesce(r.same_as, nullif(r.row_id, rows.row_id)) AS same_as, r.reason IS NULL AND r.score IS NOT NULL AS scored
    FROM rows JOIN results r ON r.number = {}"""
#: Every row that has ended; equal answers share a failure.
_ENDED = "CREATE TEMP VIEW ended AS " + _WITH_RESULT.format(
    """coalesce((SELECT number FROM results WHERE key = rows.key),
                (SELECT number FROM results WHERE same = rows.same AND reason IS NOT NULL LIMIT 1))"""
)


@dataclass(frozen=True)
class StoreCounts:
    """Rows of the inputs; those that have ended, with a result or failed; and what is left to do for the others.

    ``to_judge`` counts equal answers once, ``identical`` those that will take over a result, ``waiting`` those that
    jobs will bring one for.
    """

    rows: int
    ended: int
    finished: int
    to_judge: int
    waiting: int
    unreadable: int
    #: Whether every row of the inputs is known and has ended.
    complete: bool

    @property
    def identical(self) -> int:
        """Rows that need neither a request nor have a result of their own."""
        return self.rows - self.finished - self.to_judge


class Store:
    """The store of one directory. Every failure to read or write it is a StorageError.

    Open it with ``open`` (this process alone may write), ``read`` (what it holds now) or ``preview`` (rows can be taken
    in, but nothing is written to the directory).
    """

    def __init__(
        self, directory: Path, database: sqlite3.Connection, lock: FileLock | None = None, previews: bool = False
    ) -> None:
        self.directory = directory
        #: Lines of an old journal that could not be read when it was carried over.
        self.damaged = 0
        self._database = database
        self._lock = lock
        self._previews = previews
        database.isolation_level = None
        database.row_factory = sqlite3.Row
        database.execute(_ENDED)

    @classmethod
    def open(cls, directory: Path, restart: bool = False, existing: bool = False) -> Self:
        """Open or make the store of a directory, which is made too; ``restart`` keeps an old one aside.

        The files of an older version (``journal.jsonl``, ``jobs.json``) are carried over once, and stay as they are.
        Raises InputError when another process has it open, or with ``existing`` when the directory holds no batch.
        """
        path = directory / NAME
        if existing:
            _check_exists(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = FileLock(directory / _LOCK, timeout=0, mode=0o600, thread_local=False)
            lock.acquire()
        except Timeout:
            raise InputError(
                f"{directory}: another process{_writer(path)} is writing its results there",
                "Wait until it has ended, or choose another directory.",
            ) from None
        except (OSError, NotImplementedError) as error:
            raise StorageError(
                f"{directory}: cannot be made a directory or locked ({error})", "Choose another directory."
            ) from error
        try:
            if restart:
                _set_aside(directory)
            with _errors(path):
                make_private_file(path)
                store = cls(directory, sqlite3.connect(path), lock)
                store._database.execute("PRAGMA journal_mode = WAL")
                store._prepare()
                store.keep_fact("process", str(os.getpid()))
            return store
        except BaseException:
            lock.release()
            raise

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Open an existing store to read what it holds now, even while another process writes it.

        Raises InputError when the directory holds no batch.
        """
        path = directory / NAME
        _check_exists(directory)
        if not path.is_file():
            cls.open(directory).close()
        with _errors(path):
            store = cls(directory, _reading(path))
            store._check_version()
        return store

    @classmethod
    def preview(cls, directory: Path) -> Self:
        """Open what the directory holds, if anything, with rows of one's own that vanish at the end."""
        path = directory / NAME
        with _errors(path):
            if path.is_file():
                store = cls(directory, _reading(path), previews=True)
                store._check_version()
                store._database.executescript(_INPUTS.format(where="temp"))
            else:
                store = cls(directory, sqlite3.connect(""))
                store._prepare()
        return store

    def take_in(self, found: Iterable[AnswerRow | RowProblem], key_of: Callable[[str, str], RowKey | None]) -> None:
        """Read all rows of the inputs to their end; what was taken in before leaves the batch, results stay.

        ``key_of`` gives the keys of a question's answer. All is as before when this fails.
        """
        with self._transaction() as database:
            database.execute("DELETE FROM rows")
            database.execute("DELETE FROM problems")
            for row in found:
                if isinstance(row, RowProblem):
                    database.execute("INSERT INTO problems VALUES (:source, :line, :message)", vars(row))
                    continue
                key = key_of(row.question_id, row.answer)
                assert key is not None, row
                database.execute(_TAKE_IN, {**vars(row), **vars(key)})
            if not self._previews:
                # What was carried over from an older version does not know which answers are equal.
                database.execute(
                    "UPDATE results SET same = coalesce((SELECT same FROM rows WHERE key = results.key LIMIT 1), '')"
                    " WHERE same = ''"
                )
                database.execute("DELETE FROM facts WHERE name = 'rows_unknown'")

    def to_judge(self, *, skip_sent: bool = False) -> Iterator[tuple[AnswerRow, RowKey]]:
        """Yield one row for all that are equal and have no result, question by question, reading as it goes.

        Results may be kept meanwhile; no row comes twice. ``skip_sent`` leaves out what jobs will bring.
        """
        where = _TO_JUDGE
        if skip_sent:
            where += " AND NOT EXISTS (SELECT 1 FROM sent WHERE same = rows.same)"
        query = f"SELECT * FROM rows WHERE {where} AND (rank, place) > (?, ?) ORDER BY rank, place"
        for row in self._pages(query, rank=-1, place=0):
            yield _answer_row(row), _key(row)

    def to_take_over(self) -> Iterator[tuple[AnswerRow, RowKey, RowResult]]:
        """Yield each answer without a result that is equal but for white space to one with a result, and that one."""
        query = _WITH_RESULT.format("(SELECT number FROM results WHERE same = rows.same AND reason IS NULL LIMIT 1)")
        query += f" WHERE NOT {_OK.format('key')} AND place > ?"
        query += " AND place = (SELECT min(place) FROM rows AS alike WHERE alike.key = rows.key) ORDER BY place"
        for row in self._pages(query, place=0):
            yield _answer_row(row), _key(row), _result(row)

    def keep(
        self,
        row_id: str,
        key: RowKey,
        assessment: Assessment | None,
        reason: str | None = None,
        same_as: str | None = None,
    ) -> int:
        """Keep how a row ended (failed, with a ``reason``) and return how many rows have ended by it.

        When this returns, ``kill -9`` cannot lose it. A result is never replaced by another one or by a failure.
        """
        values = {
            **vars(key),
            "row_id": row_id,
            "same_as": same_as,
            "reason": reason,
            "score": assessment.score if assessment and not reason else None,
            "needs_review": assessment and assessment.needs_review,
            "assessment": assessment and assessment.model_dump_json(by_alias=True),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._errors():
            self._database.execute(KEEP_RESULT, values)
            return int(self._database.execute("SELECT count(*) FROM rows WHERE key = ?", (key.key,)).fetchone()[0])

    def has_result(self, key: str) -> bool:
        """Return whether there is a result with this key."""
        return self._one("SELECT 1 FROM results WHERE key = ? AND reason IS NULL", key) is not None

    def results(self) -> Iterator[RowResult]:
        """Yield every row that has ended, in the order of the inputs, reading as it goes."""
        return map(_result, self._pages("SELECT * FROM ended WHERE place > ? ORDER BY place", place=0))

    def result(self, row_id: str) -> RowResult | None:
        """Return how one row ended; None while it has not."""
        row = self._one("SELECT * FROM ended WHERE row_id = ?", row_id)
        return _result(row) if row else None

    def counts(self) -> StoreCounts:
        """Return how many rows there are, and how far they are."""
        row = self._one(
            "SELECT (SELECT count(*) FROM rows) AS rows, (SELECT count(*) FROM ended) AS ended,"
            f" (SELECT count(*) FROM rows WHERE {_OK.format('key')}) AS finished,"
            f" (SELECT count(*) FROM rows WHERE {_TO_JUDGE}) AS to_judge,"
            " (SELECT count(*) FROM rows WHERE same IN (SELECT same FROM sent)"
            f" AND NOT {_OK.format('key')}) AS waiting,"
            " (SELECT count(*) FROM problems) AS unreadable"
        )
        assert row is not None
        complete = row["ended"] == row["rows"] and self.fact("rows_unknown") is None
        return StoreCounts(**dict(row), complete=complete)

    def query(self, sql: str, *values: object) -> Iterator[Any]:
        """Yield what a query gives, to be read before anything is written.

        Beside the tables there is ``ended``: each row that has ended, with its result.
        """
        with self._errors():
            yield from self._database.execute(sql, values)

    def problems(self, limit: int = -1) -> Iterator[RowProblem]:
        """Yield the rows of the inputs that could not be read."""
        return (RowProblem(*row) for row in self.query("SELECT source, line, message FROM problems LIMIT ?", limit))

    def fact(self, name: str) -> str | None:
        """Return what is kept under a name, such as the speed of the last run."""
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        return str(row[0]) if row else None

    def keep_fact(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        with self._errors():
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def jobs(self) -> list[BatchJob]:
        """Return all jobs, the oldest first."""
        return [BatchJob.model_validate_json(data) for (data,) in self.query("SELECT data FROM jobs ORDER BY number")]

    def keep_job(self, job: BatchJob, sent: Iterable[tuple[str, RowKey]] = ()) -> None:
        """Keep a job as it is now, and with a new one what was sent under which id."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?)", (job.number, job.model_dump_json()))
            for custom_id, key in sent:
                database.execute(
                    "INSERT INTO sent SELECT ?, ?, key, same, row_id, question_id, answer FROM rows WHERE key = ?"
                    " ORDER BY place LIMIT 1",
                    (custom_id, job.number, key.key),
                )
            if not job.open:
                database.execute("DELETE FROM sent WHERE job = ?", (job.number,))

    def sent(self, job: BatchJob) -> Iterator[tuple[str, AnswerRow, RowKey]]:
        """Yield what was sent in a job that is not collected, each with its id."""
        for row in self._pages(f"{_SENT} {job.number} AND rowid > ? ORDER BY rowid", place=0):
            yield row["custom_id"], _answer_row(row), _key(row)

    def sent_as(self, job: BatchJob, custom_id: str) -> tuple[AnswerRow, RowKey] | None:
        """Return what was sent under an id."""
        row = self._one(f"{_SENT} ? AND custom_id = ?", job.number, custom_id)
        return (_answer_row(row), _key(row)) if row else None

    def close(self) -> None:
        """Close the file and let other processes in."""
        self._database.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _prepare(self) -> None:
        """Make the tables, and take over what an older version left, unless both was done before."""
        from coach.batch.old_form import carry_over

        database = self._database
        database.execute("PRAGMA synchronous = NORMAL")
        if self._check_version() == _VERSION:
            return
        database.executescript(_INPUTS.format(where="main") + _KEPT.format(where="main"))
        with self._transaction():
            self.damaged = carry_over(self.directory, database)
            database.execute(f"PRAGMA user_version = {_VERSION}")

    def _check_version(self) -> int:
        version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            raise StorageError(
                f"{self.directory / NAME}: was written by a newer version of the coach",
                "Use that version, or choose another directory for --out.",
            )
        return version

    def _one(self, sql: str, *values: object) -> sqlite3.Row | None:
        return next(self.query(sql, *values), None)

    def _pages(self, sql: str, **start: int) -> Iterator[sqlite3.Row]:
        """Yield what a query gives, page by page; it is ordered by these columns, and begins behind these values."""
        last = list(start.values())
        while page := list(self.query(f"{sql} LIMIT {_PAGE}", *last)):
            yield from page
            last = [page[-1][column] for column in start]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._database.execute("BEGIN")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                # A disk that is full has ended the transaction already.
                with suppress(sqlite3.OperationalError):
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with _errors(self.directory / NAME):
            yield


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_DAMAGE:
            raise StorageError(
                f"{path}: cannot be read or written ({error})",
                "What was finished is kept. Free some space or check the permissions, then run the same command again.",
            ) from error
        raise StorageError(
            f"{path}: is damaged or no batch of the coach ({error})",
            "--restart begins a new one and keeps this file; what was written to results.jsonl stays there too.",
        ) from error
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be used ({error.strerror or error})", "Check the permissions, or choose another directory."
        ) from error


def _check_exists(directory: Path) -> None:
    from coach.batch.old_form import JOURNAL

    if not (directory / NAME).is_file() and not (directory / JOURNAL).is_file():
        raise InputError(f"{directory}: there is no batch ({NAME})", "Name the directory given as --out.")


def _set_aside(directory: Path) -> None:
    """Rename the store, and the journal of an older version, after the time; nothing is deleted."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    try:
        for name in (NAME, f"{NAME}-wal", f"{NAME}-shm", "journal.jsonl", "jobs.json"):
            path = directory / name
            if path.exists():
                first, dot, rest = name.partition(".")
                path.rename(directory / f"{first}-{stamp}{dot}{rest}")
    except OSError as error:
        raise StorageError(
            f"{directory}: the old results cannot be renamed ({error.strerror or error})", "Check its permissions."
        ) from error


def _writer(path: Path) -> str:
    """Return the id of the process that has the store open, as words for a message."""
    try:
        with Store.read(path.parent) as store:
            process = store.fact("process")
    except (InputError, StorageError):
        return ""
    return f" (process {process})" if process else ""


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _answer_row(row: sqlite3.Row) -> AnswerRow:
    return AnswerRow(*(row[field.name] for field in fields(AnswerRow)))


def _key(row: sqlite3.Row) -> RowKey:
    return RowKey(*(row[field.name] for field in fields(RowKey)))


def _result(row: sqlite3.Row) -> RowResult:
    assessment = Assessment.model_validate_json(row["assessment"]) if row["assessment"] else None
    if assessment and row["taken"]:
        # Nothing was asked again for it.
        free = {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0, "seconds": 0.0}
        assessment = assessment.model_copy(update={"receipt": assessment.receipt.model_copy(update=free)})
    status = "failed" if row["reason"] else "ok"
    columns = {name: row[name] for name in RowResult.model_fields if name != "status"}
    return RowResult.model_construct(**{**columns, "status": status, "assessment": assessment})
