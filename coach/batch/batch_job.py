"""Jobs at a provider's batch API: what was sent, under which ids, and how far each is."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from coach.batch.rows import AnswerRow
from coach.schema import ResultModel


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
    """The content of ``jobs.json``."""

    schema_: str = Field(default="coach/batch-jobs@1", alias="schema")
    jobs: list[BatchJob] = Field(default_factory=list)


class SentRow(ResultModel):
    """A row of a job. ``custom_id`` is None for one that waits for the result of an identical answer."""

    custom_id: str | None
    key: str
    same: str
    row_id: str
    candidate: str | None
    question_id: str
    answer: str
    source: str
    line: int

    def row(self) -> AnswerRow:
        """Return the row as it was read."""
        return AnswerRow(self.row_id, self.candidate, self.question_id, self.answer, self.source, self.line)


#: States of a batch at the provider that will not change any more.
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


class ProviderBatch(ResultModel):
    """What the provider says about a job."""

    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[str] = Field(default_factory=list)
    completed: int | None = None
    failed: int | None = None
    token: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ENDED


class ResultLine(ResultModel):
    """One line of a job's output: the body of the response, or why there is none."""

    custom_id: str
    body: bytes | None
    problem: str | None
