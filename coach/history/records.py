"""Saved attempts, and what is read from them: the listing, the progress on one question, what to practise next."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from coach.judge.judging import Verdict
from coach.schema import ResultModel
from coach.submit.assessment import Assessment


class AttemptRecord(ResultModel):
    """One answer with its assessment, as a line of an export or a rescue file holds it.

    An export is JSON Lines (UTF-8), one record a line, oldest first; an exported line also has the attempt's ``id``.
    """

    schema_: Literal["coach/attempt@1"] = Field(default="coach/attempt@1", alias="schema")
    question_id: str
    bank_title: str
    created_at: AwareDatetime = Field(description="When the attempt was saved, UTC.")
    answer: str
    assessment: Assessment

    @property
    def score(self) -> float | None:
        """Score from 0 to 100; None when the answer was not scored."""
        return self.assessment.score

    @property
    def model(self) -> str:
        """Id of the model that judged the answer."""
        return self.assessment.receipt.model


class Attempt(AttemptRecord):
    """A saved attempt; ``id`` is its number in the history and is never used again after a deletion."""

    id: int = Field(ge=1)


class AttemptSummary(ResultModel):
    """One row of the listing: everything but the texts."""

    id: int
    question_id: str
    bank_title: str
    created_at: AwareDatetime
    score: float | None
    interval: tuple[float, float] | None
    unscored_reason: str | None
    needs_review: bool
    model: str
    scoring_rule: int = Field(description="The rule that computed the score; scores of two rules cannot be compared.")


class HistoryListing(ResultModel):
    """The newest saved attempts, oldest first; ``total`` counts the older ones too."""

    schema_: Literal["coach/history@1"] = Field(default="coach/history@1", alias="schema")
    total: int
    attempts: list[AttemptSummary]


class ChangedCheck(ResultModel):
    """A check that changed between the first and the latest scored attempt, by more than rewording moves it."""

    check_id: str
    kind: Literal["point", "red_flag"]
    statement: str
    before: Verdict
    after: Verdict


class RecurringAdvice(ResultModel):
    """Advice that was given in the latest attempt and in at least one other of the last few."""

    check_id: str
    advice: str
    times: int = Field(ge=2, description="In how many of the last attempts it was given.")
    of: int = Field(ge=2, description="How many attempts were looked at.")
    gain: float = Field(description="Points of the score it can still add, from the latest attempt.")


class Progress(ResultModel):
    """How the attempts at one question developed, oldest first.

    ``first_score``, ``latest_score`` and ``best_attempt`` leave attempts without a score out; ``notes`` says so, and
    says what limits the comparison of the scores (another model, other prompts, another bank).
    """

    schema_: Literal["coach/progress@1"] = Field(default="coach/progress@1", alias="schema")
    question_id: str
    bank_title: str
    attempts: list[AttemptSummary]
    scored: int = Field(description="How many of the attempts have a score.")
    first_score: float | None
    latest_score: float | None
    best_attempt: int | None = Field(description="Id of the attempt with the highest score; of equals the latest.")
    gained: list[ChangedCheck]
    lost: list[ChangedCheck]
    recurring: list[RecurringAdvice]
    notes: list[str]


class Suggestion(ResultModel):
    """One question that could be practised next, and why it has this rank."""

    rank: int = Field(ge=1)
    question_id: str
    number: int
    category: str
    text: str
    basis: Literal["never-answered", "never-scored", "weakest", "longest-ago"]
    reason: str
    attempts: int
    latest_score: float | None
    last_practised: AwareDatetime | None


class NextQuestions(ResultModel):
    """Every question of the bank, the one to practise next first."""

    schema_: Literal["coach/next@1"] = Field(default="coach/next@1", alias="schema")
    bank_title: str
    suggestions: list[Suggestion]


class Deletion(ResultModel):
    """How many attempts were deleted, and how many rescue files and drafts with them."""

    schema_: Literal["coach/deleted@1"] = Field(default="coach/deleted@1", alias="schema")
    attempts: int
    rescue_files: int
    drafts: int
