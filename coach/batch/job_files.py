"""The files of jobs in the output directory: ``jobs.json`` and, in ``jobs/``, what was sent and what came back.

All are readable by the user only. ``jobs.json`` is replaced as a whole after each step, so that no id is ever lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from pydantic import ValidationError

from coach.batch.batch_job import BatchJob, JobList, SentRow
from coach.batch.scratch import scratch_database, scratch_errors
from coach.errors import StorageError
from coach.files import replacing

JOBS_NAME = "jobs.json"
FOLDER = "jobs"


class JobFolder:
    """The jobs of one output directory. Every failure is a StorageError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.jobs = self._load()

    def add(self, job: BatchJob) -> None:
        """Keep a new job."""
        self.jobs.append(job)
        self.save()

    def save(self) -> None:
        """Keep all jobs as they are now."""
        with replacing(self._directory / JOBS_NAME) as new:
            new.write_text(JobList(jobs=self.jobs).model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")

    def path(self, number: int, kind: str) -> Path:
        """Return the file of a job: ``requests``, ``rows``, ``output`` or ``errors``."""
        return self._directory / FOLDER / f"{number:04d}.{kind}.jsonl"

    def writer(self, number: int) -> JobWriter:
        """Begin the files of a new job."""
        try:
            (self._directory / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(self._directory / FOLDER, error) from error
        return JobWriter(self.path(number, "requests"), self.path(number, "rows"))

    def rows(self, job: BatchJob) -> Iterator[SentRow]:
        """Yield the rows of a job."""
        path = self.path(job.number, "rows")
        try:
            with path.open("rb") as file:
                for line in file:
                    yield SentRow.model_validate_json(line)
        except (OSError, ValidationError) as error:
            raise StorageError(f"{path}: cannot be read", "The rows of this job cannot be collected.") from error

    def _load(self) -> list[BatchJob]:
        path = self._directory / JOBS_NAME
        try:
            return JobList.model_validate_json(path.read_bytes()).jobs
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"{path}: cannot be read", "It holds the ids of jobs at the provider: repair it, do not delete it."
            ) from error


class JobWriter:
    """Writes the requests of a job and the rows that they belong to."""

    def __init__(self, requests: Path, rows: Path) -> None:
        self.count = 0
        self.size = 0
        self._requests = _private(requests)
        self._rows = _private(rows)

    def add(self, row: SentRow, url: str, body: dict[str, Any] | None) -> None:
        """Write a row with its request, or without one when it waits for an identical answer."""
        if body is not None:
            line = {"custom_id": row.custom_id, "method": "POST", "url": url, "body": body}
            data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            _write(self._requests, data)
            self.count += 1
            self.size += len(data)
        _write(self._rows, row.model_dump_json().encode() + b"\n")

    def close(self) -> None:
        """Bring both files to the disk."""
        for file in (self._requests, self._rows):
            try:
                file.flush()
                os.fsync(file.fileno())
                file.close()
            except OSError as error:
                raise _failed(Path(file.name), error) from error


class PendingRows:
    """The rows of open jobs, on disk: which rows wait, and by custom id what they are."""

    def __init__(self) -> None:
        self._database = scratch_database()
        with scratch_errors():
            self._database.execute("CREATE TABLE waiting (row TEXT, key TEXT, PRIMARY KEY (row, key)) WITHOUT ROWID")
            self._database.execute("CREATE TABLE sent (custom TEXT PRIMARY KEY, data TEXT) WITHOUT ROWID")

    def add(self, row: SentRow) -> None:
        """Note a row."""
        with scratch_errors():
            self._database.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?)", (row.row_id, row.key))
            if row.custom_id is not None:
                self._database.execute(
                    "INSERT OR IGNORE INTO sent VALUES (?, ?)", (row.custom_id, row.model_dump_json())
                )

    def waits(self, row_id: str, key: str) -> bool:
        """Return whether this row waits for its result."""
        query = "SELECT 1 FROM waiting WHERE row = ? AND key = ?"
        with scratch_errors():
            return self._database.execute(query, (row_id, key)).fetchone() is not None

    def take(self, custom_id: str) -> SentRow | None:
        """Return the row that was sent under this id, once."""
        with scratch_errors():
            found = self._database.execute("DELETE FROM sent WHERE custom = ? RETURNING data", (custom_id,)).fetchone()
        return SentRow.model_validate_json(found[0]) if found else None

    def left(self) -> Iterator[SentRow]:
        """Yield the sent rows that nobody took."""
        with scratch_errors():
            for (data,) in self._database.execute("SELECT data FROM sent ORDER BY custom"):
                yield SentRow.model_validate_json(data)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return the rows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self.close()


def _private(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    except OSError as error:
        raise _failed(path, error) from error


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise _failed(Path(file.name), error) from error


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written ({error.strerror or error})", "Free some space or check the permissions."
    )
