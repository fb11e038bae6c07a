"""OpenAI's Batch API: request files up, results down, at half the price and within a day.

Limits and states: the documentation of ``client.batches`` and ``client.files`` in the openai package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from coach.errors import StorageError
from coach.files import replacing
from coach.model.choose import parse_address
from coach.model.failures import redact, translate
from coach.model.openai_client import checked_key, open_client
from coach.schema import ResultModel

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MAX_REQUESTS = 50_000
#: A little less than the 200 MB that are documented.
MAX_BYTES = 190_000_000
ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_WINDOW: Literal["24h"] = "24h"
_TOKEN = "coach_job"
#: So many of the newest batches are looked through for one whose id was lost.
_LOOKED_THROUGH = 200


class JobState(StrEnum):
    """How far a job is on our side, in this order."""

    WRITTEN = "written"
    UPLOADED = "uploaded"
    CREATED = "created"
    COLLECTED = "collected"


class BatchJob(ResultModel):
    """One request file and the job made of it. ``token`` finds the job again when its id was lost in a crash."""

    number: int = Field(ge=1)
    token: str
    model: str
    endpoint: str
    requests: int
    bytes: int
    state: JobState = JobState.WRITTEN
    input_file_id: str | None = None
    batch_id: str | None = None
    #: What the provider said last.
    status: str | None = None
    completed: int | None = None
    failed: int | None = None
    #: Name of the score calibration that its results get.
    calibration: str | None = Field(default=None, exclude_if=lambda name: name is None)

    @property
    def open(self) -> bool:
        """Whether its rows wait for results."""
        return self.state is not JobState.COLLECTED


class JobList(ResultModel):
    """What is said about jobs."""

    schema_: Literal["coach/batch-jobs@1"] = Field(default="coach/batch-jobs@1", alias="schema")
    jobs: list[BatchJob] = Field(default_factory=list)


#: States of a batch at the provider that will not change any more.
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


class ProviderBatch(ResultModel):
    """What the provider says about a job."""

    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[str] = Field(default_factory=list)
    completed: int | None = None
    failed: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in _ENDED


class ResultLine(ResultModel):
    """One line of a job's output: the body of the response, or why there is none."""

    custom_id: str
    body: bytes | None
    problem: str | None


class BatchApi:
    """The batch API at a base URL; use it as an async context manager. Every failure is a CoachError."""

    def __init__(self, base_url: str, api_key: str | None, timeout: float = 600.0) -> None:
        self._address = parse_address(base_url)
        self.endpoint = self._address.url
        self._key = checked_key(api_key)
        self._timeout = timeout
        self._client: AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._client = open_client(self._address, self._key, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    async def upload(self, path: Path) -> str:
        """Upload a request file and return its id."""
        try:
            with path.open("rb") as file:
                uploaded = await self._call(self._open.files.create(file=(path.name, file), purpose="batch"))
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be read ({error.strerror or error})", "Check its permissions."
            ) from error
        return str(uploaded.id)

    async def create(self, job: BatchJob) -> ProviderBatch:
        """Start the job of an uploaded file."""
        assert job.input_file_id is not None
        return _provider_batch(
            await self._call(
                self._open.batches.create(
                    input_file_id=job.input_file_id,
                    endpoint=ENDPOINT,
                    completion_window=_WINDOW,
                    metadata={_TOKEN: job.token},
                )
            )
        )

    async def find(self, token: str) -> ProviderBatch | None:
        """Return the batch that was started with this token, if it is among the newest."""
        page = await self._call(self._open.batches.list(limit=100))
        for seen in range(_LOOKED_THROUGH // 100):
            for item in page.data:
                if (item.metadata or {}).get(_TOKEN) == token:
                    return _provider_batch(item)
            if not page.has_next_page() or seen + 1 == _LOOKED_THROUGH // 100:
                return None
            page = await self._call(page.get_next_page())
        return None

    async def retrieve(self, batch_id: str) -> ProviderBatch:
        """Return what the provider says about a batch now."""
        return _provider_batch(await self._call(self._open.batches.retrieve(batch_id)))

    async def download(self, file_id: str, path: Path) -> None:
        """Write a result file to disk, whole and readable by the user only."""
        content = await self._call(self._open.files.content(file_id))
        with replacing(path) as new, new.open("wb") as file:
            async for piece in await content.aiter_bytes():
                file.write(piece)

    @property
    def _open(self) -> AsyncOpenAI:
        assert self._client is not None
        return self._client

    async def _call(self, request: Any) -> Any:
        from openai import OpenAIError

        try:
            return await request
        except OpenAIError as error:
            raise translate(error, "the batch API", self.endpoint, api_key=self._key) from None


def read_results(path: Path) -> Iterator[ResultLine]:
    """Yield the lines of an output or error file; one that cannot be read is left out (its row counts as missing)."""
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    parsed = json.loads(line)
                except ValueError:
                    continue
                if isinstance(parsed, dict) and isinstance(parsed.get("custom_id"), str):
                    yield _result_line(parsed)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})", "Check its permissions.") from error


def _result_line(parsed: dict[str, Any]) -> ResultLine:
    response, error = parsed.get("response"), parsed.get("error")
    if isinstance(response, dict) and response.get("status_code") == 200:
        body = json.dumps(response.get("body")).encode()
        return ResultLine(custom_id=parsed["custom_id"], body=body, problem=None)
    failure = response.get("body") if isinstance(response, dict) else error
    if isinstance(failure, dict):
        failure = failure.get("error", failure)
    words = failure.get("message") if isinstance(failure, dict) else failure
    return ResultLine(custom_id=parsed["custom_id"], body=None, problem=redact(str(words or "the request failed")))


def _provider_batch(batch: Any) -> ProviderBatch:
    counts = batch.request_counts
    data = batch.errors.data if batch.errors and batch.errors.data else []
    return ProviderBatch(
        id=batch.id,
        status=batch.status,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        errors=[redact(str(item.message or item.code)) for item in data],
        completed=counts.completed if counts else None,
        failed=counts.failed if counts else None,
    )
