"""What grading through a provider's batch API is given: the kept jobs, the rows that wait, the provider."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from coach.batch.batch_job import BatchJob, ProviderBatch, SentRow


class Writer(Protocol):
    """The files of a job that is being written."""

    count: int
    size: int

    def add(self, row: SentRow, url: str, body: dict[str, Any] | None) -> None:
        """Write a row with its request, or without one when it waits for an identical answer."""
        ...

    def close(self) -> None:
        """Bring the files to the disk."""
        ...


class Jobs(Protocol):
    """The jobs of a directory and their files (see ``coach.batch.job_files``)."""

    jobs: list[BatchJob]

    def add(self, job: BatchJob) -> None:
        """Keep a new job."""
        ...

    def save(self) -> None:
        """Keep all jobs as they are now."""
        ...

    def path(self, number: int, kind: str) -> Path:
        """Return a file of a job."""
        ...

    def writer(self, number: int) -> Writer:
        """Begin the files of a new job."""
        ...

    def rows(self, job: BatchJob) -> Iterable[SentRow]:
        """Yield the rows of a job."""
        ...


class Pending(Protocol):
    """Rows that wait for results (see ``coach.batch.job_files``)."""

    def add(self, row: SentRow) -> None:
        """Note a row."""
        ...

    def waits(self, row_id: str, key: str) -> bool:
        """Return whether this row waits for its result."""
        ...

    def take(self, custom_id: str) -> SentRow | None:
        """Return the row that was sent under this id, once."""
        ...

    def left(self) -> Iterable[SentRow]:
        """Yield the sent rows that nobody took."""
        ...


class Provider(Protocol):
    """A batch API (see ``coach.batch.provider``)."""

    endpoint: str

    async def upload(self, path: Path) -> str:
        """Upload a request file and return its id."""
        ...

    async def create(self, job: BatchJob) -> ProviderBatch:
        """Start the job of an uploaded file."""
        ...

    async def find(self, token: str) -> ProviderBatch | None:
        """Return the batch that was started with this token."""
        ...

    async def retrieve(self, batch_id: str) -> ProviderBatch:
        """Return what the provider says about a batch now."""
        ...

    async def download(self, file_id: str, path: Path) -> None:
        """Write a result file to disk."""
        ...


@dataclass(frozen=True)
class FileLimits:
    """What one request file may hold, and the path of the API that its requests are for."""

    requests: int
    size: int
    url: str
