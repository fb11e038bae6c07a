"""The summary of a batch (``summary.json``; the field names are contracts)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coach.schema import ResultModel

BATCH_SUMMARY_SCHEMA: Literal["coach/batch-summary@1"] = "coach/batch-summary@1"
#: Bins of the distribution of scores: 0-10, 10-20 ... 90-100.
BINS = 10


class CriterionSummary(ResultModel):
    """One criterion over all answers to one question."""

    id: str
    title: str
    judged: int
    mean: float | None = Field(description="Mean credit, 0-100; answers that were not judged are left out.")
    levels: list[int] = Field(description="Number of answers at each level, 0 to 4.")


class CheckSummary(ResultModel):
    """One check over all answers to one question."""

    question_id: str
    id: str
    kind: Literal["point", "red_flag"]
    statement: str
    judged: int
    met: int
    partly: int
    not_met: int
    missed_share: float | None = Field(description="Share (0-1) of the judged answers that do not meet it.")


class QuestionSummary(ResultModel):
    """All answers to one question."""

    question_id: str
    answers: int
    scored: int
    unscored: int
    failed: int
    mean: float | None
    median: float | None
    distribution: list[int] = Field(description="Number of scores in each tenth of the scale.")
    criteria: list[CriterionSummary]


class ReviewItem(ResultModel):
    """An answer that a person should look at, and why."""

    row_id: str
    key: str
    candidate: str | None
    question_id: str
    score: float | None
    interval: tuple[float, float] | None
    reasons: list[str]


class FailureCount(ResultModel):
    """How many rows failed for one reason."""

    reason: str
    rows: int


class JudgeCount(ResultModel):
    """What judged how many of the rows."""

    judge: str
    model: str
    endpoint: str
    prompt_version: str
    calibration: str | None
    rows: int


class BatchSummary(ResultModel):
    """A batch in numbers. Rows without a score are counted and left out of every mean and median.

    Tokens, dollars and seconds are those of the results that are kept (an identical answer costs nothing); what an
    earlier try of a row cost is not in them.
    """

    schema_: Literal["coach/batch-summary@1"] = Field(default=BATCH_SUMMARY_SCHEMA, alias="schema")
    created_at: str
    coach_version: str
    complete: bool = Field(description="Whether every row of the input was looked at.")
    rows: int
    scored: int
    unscored: int
    failed: int
    unreadable: int
    identical: int = Field(description="Rows that took over the result of an identical answer.")
    needs_review: int
    partly_judged: int = Field(description="Scored answers with checks that could not be judged.")
    mean: float | None
    median: float | None
    questions: list[QuestionSummary]
    hardest: list[str] = Field(description="Question ids, lowest mean first.")
    most_missed: list[CheckSummary]
    red_flags: list[CheckSummary] = Field(description="Wrong statements that were found, most frequent first.")
    review_first: list[ReviewItem]
    failures: list[FailureCount]
    judges: list[JudgeCount]
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cached_share: float | None = Field(description="Share (0-1) of the input tokens that the server had cached.")
    cost_usd: float | None = Field(description="None when the cost of any result is not known.")
    seconds_per_answer: float | None

    def to_json(self) -> str:
        """Return the summary as indented JSON with the contract's field names."""
        return self.model_dump_json(by_alias=True, indent=2)
