"""Answers with marks by people, and what a judge gave them: the material of a calibration."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from coach.bank.questions import Bank, Question
from coach.schema import ResultModel


@dataclass(frozen=True)
class GoldRow:
    """One marked answer.

    ``score`` is the mark on the data's own scale. ``question`` and ``reference`` are both given or both None; when
    they are given, ``question_id`` is only a name. ``source`` and ``line`` (from 1) say where the row stands.
    """

    row_id: str
    answer: str
    score: float
    source: str
    line: int
    question_id: str | None = None
    question: str | None = None
    reference: str | None = None
    rater_1: float | None = None
    rater_2: float | None = None
    label: str | None = None

    @property
    def question_key(self) -> str:
        """What tells the row's question from others before it is looked up."""
        if self.question is not None:
            return f"{self.question}\0{self.reference}"
        return " ".join((self.question_id or "").casefold().split())


@dataclass(frozen=True)
class GoldTask:
    """A marked answer with the question that it answers, and the bank that holds the question."""

    row: GoldRow
    question: Question
    bank: Bank


@dataclass(frozen=True)
class JudgedAnswer:
    """What a judge gave a marked answer.

    ``scores`` (0-100) holds one score for every repetition that was judged. Without any, ``reason`` says why;
    ``failed`` tells a model that failed from an answer that is not to be judged. ``cost_usd`` is None when unknown.
    """

    task: GoldTask
    scores: tuple[float, ...]
    reason: str | None = None
    failed: bool = False
    seconds: float = 0.0
    cost_usd: float | None = None

    @property
    def score(self) -> float | None:
        """The first score: what a judge that is asked once would have given."""
        return self.scores[0] if self.scores else None


class ScoreRecord(ResultModel):
    """One kept score. ``key`` covers everything that changes it (see coach.submit.key); no answer is kept."""

    key: str = Field(min_length=1)
    repeat: int = Field(ge=0, description="0 for the first time of judging, 1 for the second ...")
    score: float = Field(ge=0, le=100)
    seconds: float = Field(ge=0)
    cost_usd: float | None = None
