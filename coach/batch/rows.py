"""Batch grading: the rows that come in, what was recognised in the inputs, and one journal record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from coach.bank.find import QuestionMatchKind
from coach.schema import ResultModel
from coach.submit.assessment import Assessment


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


@dataclass
class InputCounts:
    """What one pass over the inputs has yielded so far; ``empty_cells`` are unanswered questions of wide tables."""

    rows: int = 0
    problems: int = 0
    empty_cells: int = 0
    by_question: Counter[str] = field(default_factory=Counter)


class JournalRecord(ResultModel):
    """How one row ended: an assessment (``ok``) or the reason why there is none (``failed``).

    ``key`` is the result key: a hash of everything that changes the assessment. ``same_as`` names the row whose
    identical answer was judged, when this one was not judged itself.
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

    @model_validator(mode="after")
    def _says_how_it_ended(self) -> Self:
        if self.status == "ok" and self.assessment is None:
            raise ValueError("a record with status ok needs its assessment")
        if self.status == "failed" and not self.reason:
            raise ValueError("a record with status failed needs its reason")
        return self
