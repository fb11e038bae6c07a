"""The journal of a batch: one line for every row that ended, so that a run can go on after whatever stopped it.

``journal.jsonl`` in the output directory begins with a header and is only ever appended to. A row counts as finished
when its *newest* record is a result with the same key, so an edited answer, bank, prompt or model is graded again, and
a failed row too. What a crash can lose: see JournalFile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_core import from_json

from coach.batch.journal_file import JournalFile, StoredLine
from coach.batch.journal_index import JournalIndex, Place
from coach.batch.journal_lock import JournalLock
from coach.batch.rows import JournalRecord
from coach.errors import InputError, StorageError

JOURNAL_NAME = "journal.jsonl"
JOURNAL_SCHEMA = "coach/journal@1"
_SCHEMA_NAME = "coach/journal@"
#: So a header torn in its middle is known for what it is.
_HEADER_START = json.dumps({"schema": JOURNAL_SCHEMA})[:-1].encode()
_MAX_PROBLEMS = 100


@dataclass(frozen=True)
class JournalProblem:
    """A line of the journal that cannot be read. It stays in the file; its row is graded again."""

    line: int
    message: str


class Journal:
    """One batch's journal. Open it with ``open`` (to write) or ``read``; use it from one thread.

    ``problems`` lists the damaged lines found (the first hundred), ``damaged`` counts all of them.
    """

    def __init__(self, directory: Path, file: JournalFile, lock: JournalLock | None) -> None:
        self.directory = directory
        self.problems: list[JournalProblem] = []
        self.damaged = 0
        self._file = file
        self._lock = lock
        self._index = JournalIndex()
        self._closed = False

    @classmethod
    def open(cls, directory: Path, restart: bool = False) -> Self:
        """Open the journal in ``directory`` for this process alone; both are made if they do not exist.

        A last line that a crash tore is removed. ``restart`` renames the old journal, and begins a new one.
        Raises InputError when another process has it open, StorageError when it cannot be read or written.
        """
        _make_directory(directory)
        lock = JournalLock(directory)
        try:
            path = directory / JOURNAL_NAME
            if restart:
                _set_aside(path)
            return cls._opened(directory, JournalFile(path, writable=True), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Open the journal only to read what it holds now, even while another process writes it.

        Raises InputError when there is none, StorageError when it cannot be read.
        """
        path = directory / JOURNAL_NAME
        if not path.is_file():
            raise InputError(f"{directory}: there is no journal ({JOURNAL_NAME})", "Name the directory given as --out.")
        return cls._opened(directory, JournalFile(path, writable=False), None)

    @classmethod
    def _opened(cls, directory: Path, file: JournalFile, lock: JournalLock | None) -> Self:
        journal = cls(directory, file, lock)
        try:
            journal._load()
        except BaseException:
            journal._close_files()
            raise
        return journal

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the journal."""
        self.close()

    def finished(self, row_id: str, key: str) -> bool:
        """Return whether the newest record of this row is a result with this key."""
        return self._index.finished(row_id, key) is not None

    def result(self, row_id: str, key: str) -> JournalRecord | None:
        """Return the record of a finished row, else None; raises StorageError."""
        return self._record(self._index.finished(row_id, key))

    def by_key(self, key: str) -> JournalRecord | None:
        """Return the newest result with this key whatever its row (an identical answer), else None.

        Raises StorageError.
        """
        return self._record(self._index.result(key))

    def append(self, record: JournalRecord) -> None:
        """Add a record; when this returns, ``kill -9`` cannot lose it. Raises StorageError, e.g. on a full disk."""
        line = record.model_dump_json(by_alias=True).encode()
        offset = self._file.append(line)
        self._index.add(record.row_id, record.key, record.status == "ok", Place(offset, len(line)))

    def latest(self) -> Iterator[JournalRecord]:
        """Yield the newest record of every row, in the order in which the rows were first seen, reading as it goes.

        Raises StorageError.
        """
        for place in self._index.newest():
            record = self._record(place)
            assert record is not None
            yield record

    def count(self) -> tuple[int, int]:
        """Return the number of rows, and of those that are finished (with some key)."""
        return self._index.count()

    def sync(self) -> None:
        """Bring everything that was appended to the disk; raises StorageError."""
        self._file.sync()

    def close(self) -> None:
        """Synchronise, close and unlock; raises StorageError when the last records could not reach the disk."""
        if not self._closed:
            self._closed = True
            try:
                self._close_files()
            finally:
                if self._lock:
                    self._lock.release()

    def _close_files(self) -> None:
        self._index.close()
        self._file.close()

    def _load(self) -> None:
        has_header = False
        records = 0
        for line in self._file.lines():
            parsed = _parse(line.content)
            if parsed is not None and "schema" in parsed:
                _check_schema(self.directory, parsed)
                has_header = True
            elif parsed is not None and _is_record(parsed):
                records += 1
                self._note(parsed, line.offset, len(line.content))
            else:
                self._damage(line)
        tail = self._file.tail()
        if not (has_header or records) and (self.damaged or not _begins_header(tail)):
            raise StorageError(
                f"{self.directory / JOURNAL_NAME}: not a journal of the coach", "Choose another directory for --out."
            )
        if self._lock:
            self._repair(tail)

    def _repair(self, tail: bytes) -> None:
        parsed = _parse(tail)
        if parsed is not None and ("schema" in parsed or _is_record(parsed)):
            # No beginning of a JSON object is itself one, so nothing but the line's end is missing.
            self._file.end_tail()
            if _is_record(parsed):
                self._note(parsed, self._file.size - len(tail) - 1, len(tail))
        elif tail:
            self._file.cut_tail(len(tail))
        if not self._file.size:
            self._file.append(json.dumps({"schema": JOURNAL_SCHEMA, "created_at": _now().isoformat()}).encode())
            self._file.sync()

    def _note(self, parsed: dict[str, Any], offset: int, length: int) -> None:
        self._index.add(parsed["row_id"], parsed["key"], parsed["status"] == "ok", Place(offset, length))

    def _damage(self, line: StoredLine) -> None:
        self.damaged += 1
        if len(self.problems) < _MAX_PROBLEMS:
            message = f"line {line.number} of {self.directory / JOURNAL_NAME} is damaged; its row is graded again"
            self.problems.append(JournalProblem(line.number, message))

    def _record(self, place: Place | None) -> JournalRecord | None:
        if place is None:
            return None
        try:
            return JournalRecord.model_validate_json(self._file.read(place.offset, place.length))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise StorageError(
                f"{self.directory / JOURNAL_NAME}: the record at byte {place.offset} does not have the form of "
                f"{JOURNAL_SCHEMA} ({where}: {problem['msg']})",
                "Was it written by another version? --restart begins a new journal and keeps the old one.",
            ) from error


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{directory}: cannot be made a directory ({error.strerror or error})", "Choose another directory."
        ) from error


def _set_aside(path: Path) -> None:
    """Rename the old journal after the time; it is never deleted."""
    if not path.exists():
        return
    stamp = _now().strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"journal-{stamp}.jsonl")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"journal-{stamp}-{number}.jsonl")
    try:
        path.rename(target)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be renamed ({error.strerror or error})", "Check its permissions."
        ) from error


def _begins_header(tail: bytes) -> bool:
    """Return whether a file that is nothing but this torn line was to be a journal."""
    length = min(len(tail), len(_HEADER_START))
    # After a power cut a new file may hold zeros where its text was to be.
    return tail[:length] == _HEADER_START[:length] or not tail.strip(b"\0")


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        parsed = from_json(content, cache_strings="keys")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _is_record(parsed: dict[str, Any]) -> bool:
    named = all(isinstance(parsed.get(name), str) for name in ("row_id", "key"))
    return named and parsed.get("status") in ("ok", "failed")


def _check_schema(directory: Path, header: dict[str, Any]) -> None:
    schema = header["schema"]
    if schema != JOURNAL_SCHEMA:
        newer = isinstance(schema, str) and schema.startswith(_SCHEMA_NAME)
        raise StorageError(
            f"{directory / JOURNAL_NAME}: has the schema {schema!r} instead of {JOURNAL_SCHEMA!r}",
            "It was written by a newer version of the coach." if newer else "Choose another directory for --out.",
        )


def _now() -> datetime:
    return datetime.now(UTC)
