"""How far a judge agrees with people (``coach/agreement@1``), and a named calibration (``coach/calibration@1``)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from coach.schema import ResultModel

#: Score of the judge (0-100) and the mark it stands for, in percent of the scale (0-100).
Knot = tuple[Annotated[float, Field(ge=0, le=100)], Annotated[float, Field(ge=0, le=100)]]


class Scale(ResultModel):
    """The scale of the human marks; ``step`` is what marks are rounded to for kappa and exact agreement."""

    low: float
    high: float
    step: float = Field(gt=0)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high:
            raise ValueError("a scale's high end must be greater than its low end")
        return self

    def mark_of(self, score: float) -> float:
        """Return the mark that a judge's score (0-100) stands for, mapped linearly."""
        return self.low + score / 100 * (self.high - self.low)

    def percent_of(self, mark: float) -> float:
        """Return a mark in percent of the scale (0-100)."""
        return min(100.0, max(0.0, 100 * (mark - self.low) / (self.high - self.low)))


class Statistic(ResultModel):
    """A figure with its bootstrap 95 % interval.

    ``value`` is None when the figure is undefined; ``reason`` then says why, or what else limits it. ``n`` is how
    many answers (or questions, for an average over questions) it rests on.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    n: int = Field(ge=0)
    reason: str | None = None


class Agreement(ResultModel):
    """How well two sets of marks agree; differences are first minus second, in marks."""

    pearson: Statistic
    spearman: Statistic
    qwk: Statistic = Field(description="Cohen's kappa with quadratic weights, on marks rounded to the scale's steps.")
    rmse: Statistic
    exact: Statistic = Field(description="Share of pairs that are equal when rounded to the scale's steps (0-1).")
    adjacent: Statistic = Field(description="Share of pairs that differ by at most one step (0-1).")
    bias: Statistic = Field(description="Mean difference; positive: the first is milder than the second.")


class AgreementViews(ResultModel):
    """Over all answers together, and averaged over the questions (each question counts once)."""

    pooled: Agreement
    per_question: Agreement


class QuestionAgreement(ResultModel):
    """One question: means in marks, and the figures of its own answers (None where undefined)."""

    question_id: str
    text: str
    n: int
    human_mean: float
    judge_mean: float
    pearson: float | None
    spearman: float | None
    qwk: float | None
    rmse: float | None
    exact: float | None
    adjacent: float | None
    bias: float | None


class HumanCeiling(ResultModel):
    """How well people agree with each other, on the answers that two raters marked."""

    n: int
    raters: AgreementViews = Field(description="Rater 1 against rater 2.")
    judge_rater_1: AgreementViews
    judge_rater_2: AgreementViews


class ReliabilityBin(ResultModel):
    """Answers that the judge gave similar scores, and the marks that people gave them."""

    low: float = Field(description="Judge score from which the bin begins (0-100).")
    high: float
    n: int
    judge_mean: float = Field(description="In marks.")
    human_mean: float = Field(description="In marks.")
    human_interval: tuple[float, float] | None = Field(description="95 % interval of the human mean (normal theory).")


class LabelSummary(ResultModel):
    """Answers that the data gives the same label; means in marks."""

    label: str
    n: int
    human_mean: float
    judge_mean: float


class ScoredPair(ResultModel):
    """One answer's marks."""

    id: str
    source: str
    line: int
    question_id: str
    human: float
    judge: float = Field(description="The judge's score on the human scale.")
    score: float = Field(description="The judge's score, 0-100.")
    difference: float = Field(description="Judge minus human, in marks.")


class Disagreement(ScoredPair):
    """An answer on which judge and people are far apart, with its text."""

    question: str
    answer: str


class RepeatSpread(ResultModel):
    """How much the score of the same answer varies when it is judged again, in points of the 0-100 score."""

    times: int
    answers: int = Field(description="Answers that were judged every time.")
    mean_sd: float | None
    max_sd: float | None
    max_range: float | None
    changed: int = Field(description="Answers whose scores differ at all.")


class ReasonCount(ResultModel):
    """Why answers were not judged, and how many."""

    reason: str
    count: int


class GoldSummary(ResultModel):
    """What was read and what was used of it."""

    name: str
    rows: int
    unreadable: int
    used: int
    questions: int
    limit: int | None
    seed: int
    scale: Scale
    scale_given: bool


class JudgeSummary(ResultModel):
    """What was measured."""

    judge: str
    model: str
    endpoint: str
    prompt_version: str
    settings: dict[str, str]


class CalibrationOutcome(ResultModel):
    """A mapping that was fitted on some questions, and what it does on the others."""

    name: str
    fit_questions: int
    fit_answers: int
    held_out_questions: int
    held_out_answers: int
    before: Agreement = Field(description="Judge against human on the held-out questions, mapped linearly.")
    after: Agreement = Field(description="The same, mapped by the calibration.")
    knots: list[Knot]


class AgreementReport(ResultModel):
    """Everything that ``coach calibrate`` found out; JSON, terminal and HTML show this object."""

    schema_: Literal["coach/agreement@1"] = Field(default="coach/agreement@1", alias="schema")
    created_at: AwareDatetime
    coach_version: str
    gold: GoldSummary
    judge: JudgeSummary
    judged: int
    unjudged: int
    failed: int = Field(description="How many of the unjudged answers the model failed on.")
    unjudged_reasons: list[ReasonCount]
    seconds_per_answer: float | None
    cost_usd: float | None = Field(description="What these scores cost when they were judged, None when unknown.")
    agreement: AgreementViews = Field(description="Judge against the human mark.")
    human: HumanCeiling | None
    length: dict[Literal["judge", "human"], Statistic] = Field(
        description="Spearman's rho of marks with the number of words in the answer."
    )
    labels: list[LabelSummary]
    reliability: list[ReliabilityBin]
    questions: list[QuestionAgreement]
    worst: list[Disagreement]
    pairs: list[ScoredPair]
    repeat: RepeatSpread | None = None
    calibration: CalibrationOutcome | None = None


class Calibration(ResultModel):
    """A mapping from a judge's score to the user's own marks, kept under a name."""

    schema_: Literal["coach/calibration@1"] = Field(default="coach/calibration@1", alias="schema")
    name: str
    judge: str
    model: str
    prompt_version: str
    scoring_rule: int = Field(default=1, description="The rule that computed the scores it was fitted on.")
    created_at: AwareDatetime
    n: int = Field(ge=1, description="Answers that it was fitted on.")
    scale: Scale
    knots: list[Knot] = Field(min_length=2, description="Both numbers rise from knot to knot.")

    @model_validator(mode="after")
    def _is_monotone(self) -> Self:
        for (x, y), (next_x, next_y) in zip(self.knots, self.knots[1:], strict=False):
            if not (x < next_x and y <= next_y):
                raise ValueError("the knots of a calibration must rise")
        return self
