"""The rows of a batch: as they come in, the keys of their results, how each ended, and the jobs that carry them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from coach.bank.find import QuestionMatchKind
from coach.bank.questions import Bank
from coach.judge.judging import Judge
from coach.schema import ResultModel
from coach.submit.assessment import Assessment
from coach.submit.key import result_key


@dataclass(frozen=True)
class AnswerRow:
    """One answer to grade.

    ``row_id`` is unique in its batch and stays the same when other rows are added or removed. ``source`` is the file
    (with the sheet, for a workbook of several sheets) and ``line`` its line or row there, from 1.
    """

    row_id: str
    candidate: str | None
    question_id: str
    answer: str
    source: str
    line: int


@dataclass(frozen=True)
class RowProblem:
    """A row that cannot be graded, and why; the rows after it are not affected."""

    source: str
    line: int
    message: str


@dataclass(frozen=True)
class ColumnMatch:
    """A column that holds the answers to one question, and by what its header was recognised."""

    header: str
    question_id: str
    by: QuestionMatchKind


@dataclass(frozen=True)
class NearMiss:
    """A column that was not used although its header resembles a question; the nearest ids, best first."""

    header: str
    question_ids: tuple[str, ...]


@dataclass(frozen=True)
class SourceReport:
    """What was recognised in one input: its form, and what every column was taken for.

    ``roles`` maps ``candidate``, ``id``, ``question_id`` and ``answer`` to the headers (or JSON keys) found for them.
    """

    source: str
    form: str
    encoding: str | None = None
    separator: str | None = None
    roles: tuple[tuple[str, str], ...] = ()
    matched: tuple[ColumnMatch, ...] = ()
    ignored: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    notes: tuple[str, ...] = ()


class RowResult(ResultModel):
    """How one row ended: an assessment (``ok``) or the reason why there is none (``failed``).

    ``key`` is the result key: a hash of everything that changes the assessment. ``same_as`` names the row whose
    identical answer was judged, when this one was not judged itself. A failed row keeps its assessment, if there is
    one: it says what the attempt cost.
    """

    row_id: str = Field(min_length=1)
    key: str = Field(min_length=1)
    status: Literal["ok", "failed"]
    reason: str | None = None
    candidate: str | None = None
    question_id: str
    source: str
    line: int
    answer: str
    same_as: str | None = None
    at: str = Field(description="UTC time, ISO 8601.")
    assessment: Assessment | None = None


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


@dataclass(frozen=True)
class RowKey:
    """``key`` names the result of an answer to the letter, ``same`` that of all answers equal but for white space.

    ``rank`` orders questions: answers to one are judged one after the other, which servers' prompt caches reward.
    """

    key: str
    same: str
    rank: int


class RowKeys:
    """Gives the keys of an answer's result; what does not change within a run is hashed once per question.

    They are hashes of the question's result key (of an empty answer) and the answer, so they change with everything
    that changes a result and with nothing else. ``calibration`` is the hash of the score calibration.
    """

    def __init__(self, bank: Bank, judge: Judge, calibration: str = "") -> None:
        self._bank = bank
        self._judge = judge
        self._calibration = calibration
        self._questions = bank.by_id()
        self._of_question: dict[str, bytes] = {}

    def of(self, question_id: str, answer: str) -> RowKey | None:
        """Return the keys of the result for this answer; None when the bank has no such question."""
        question = self._questions.get(question_id)
        if question is None:
            return None
        start = self._of_question.get(question_id)
        if start is None:
            start = result_key(self._bank, question, self._judge, "", self._calibration).encode()
            self._of_question[question_id] = start
        return RowKey(_hash(start, answer), _hash(start + b" same ", _normalised(answer)), question.number)


def _normalised(text: str) -> str:
    """Return the answer with line ends, outer and repeated white space made the same."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def _hash(start: bytes, answer: str) -> str:
    return hashlib.sha256(start + answer.encode("utf-8", "surrogatepass")).hexdigest()
