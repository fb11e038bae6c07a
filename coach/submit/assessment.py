"""The assessment: the whole result for one answer. The field names are a contract with whoever reads the JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coach.answer.answer import AssessmentWarning
from coach.judge.judging import Decider, Verdict
from coach.schema import ResultModel


class Evidence(ResultModel):
    """A quoted sentence. ``answer[start:end] == quote`` always holds for the answer as given."""

    sentence: int = Field(ge=1, description="Number of the sentence, from 1.")
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str


class CheckResult(ResultModel):
    """The verdict on one check, with its probability and evidence."""

    id: str
    kind: Literal["point", "red_flag"]
    statement: str
    verdict: Verdict
    harm: bool = Field(default=False, description="True for a red flag that recommends harm.")
    probability: float | None = Field(ge=0, le=1, description="Calibrated probability that the answer does this.")
    evidence: list[Evidence]
    comment: str | None = None
    decided_by: Decider | None = Field(
        default=None, description="Who decided; None for a check that was not judged and in results of older versions."
    )


class CriterionResult(ResultModel):
    """Credit and level of one criterion, computed from its checks."""

    id: str
    title: str
    weight: float
    level: int | None
    level_title: str | None
    credit: float | None = Field(ge=0, le=1)
    checks: list[CheckResult]


class Improvement(ResultModel):
    """One piece of the author's advice and the most it can add to the score."""

    check_id: str
    advice: str
    gain: float = Field(description="Points of the 0-100 score.")


class Receipt(ResultModel):
    """What judged the answer, what it saw and what it cost."""

    judge: str
    model: str
    endpoint: str
    prompt_version: str
    bank_sha256: str
    rubric_sha256: str
    coach_version: str
    created_at: str
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    seconds: float
    scoring_rule: int = Field(default=1, description="The rule that computed the score from the verdicts.")
    decided_by: dict[Decider, int] = Field(
        default_factory=dict, description="How many checks the model, the matcher and likeness alone decided."
    )
    calibration: str | None = Field(default=None, description="Name of the score calibration applied, if any.")
    judging_sha256: str | None = Field(
        default=None,
        description="Hash of all that changes a result but the answer: question, rubric, method, model, prompts, "
        "settings of the judge. Results with equal hashes can be compared. None in results of older versions.",
    )


class Assessment(ResultModel):
    """The whole result for one answer; JSON, terminal, Markdown, HTML and CSV all show this object."""

    schema_: Literal["coach/assessment@1"] = Field(default="coach/assessment@1", alias="schema")
    question_id: str
    answer_sha256: str
    score: float | None = Field(ge=0, le=100)
    interval: tuple[float, float] | None
    unscored_reason: str | None
    needs_review: bool
    review_reasons: list[str]
    criteria: list[CriterionResult]
    red_flags: list[CheckResult] = Field(
        default_factory=list,
        description="The red flags that hold for the whole bank; those of the question are in criteria.",
    )
    strengths: list[str]
    improvements: list[Improvement]
    follow_up: str
    outline: str | None
    warnings: list[AssessmentWarning]
    receipt: Receipt

    def check_results(self) -> list[CheckResult]:
        """Return the results of all checks, criterion by criterion, last those of the whole bank."""
        return [*(check for criterion in self.criteria for check in criterion.checks), *self.red_flags]

    def harm(self) -> list[CheckResult]:
        """Return the red flags by which the answer recommends harm."""
        return [check for check in self.check_results() if check.harm and check.verdict is Verdict.MET]

    def probabilities(self) -> dict[str, float | None]:
        """Return the probability of every check, None where it was not judged."""
        return {check.id: check.probability for check in self.check_results()}
