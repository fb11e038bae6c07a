"""The numbers of a batch (``summary.json``; the field names are contracts), gathered row by row."""

from __future__ import annotations

import heapq
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from statistics import fmean, median
from typing import Literal

from pydantic import Field

from coach.bank.questions import TOP_LEVEL
from coach.batch.rows import RowResult
from coach.judge.judging import Verdict
from coach.schema import ResultModel
from coach.submit.assessment import Assessment
from coach.version import version

REVIEW_FIRST = 50
_MOST_MISSED = 20
#: Reasons are told apart by their words; numbers in them (seconds, tokens) would make each its own.
_MAX_REASONS = 200
_OTHER_REASON = "other reasons"
_DIGITS = re.compile(r"\d+")
#: Bins of the distribution of scores: 0-10, 10-20 ... 90-100.
_BINS = 10
#: What tells judges apart, as receipts name it.
_JUDGE = ("judge", "model", "endpoint", "prompt_version", "calibration")


class CriterionSummary(ResultModel):
    """One criterion over all answers to one question."""

    id: str
    title: str
    judged: int = 0
    mean: float | None = Field(
        default=None, description="Mean credit, 0-100; answers that were not judged are left out."
    )
    levels: list[int] = Field(
        default_factory=lambda: [0] * (TOP_LEVEL + 1), description="Number of answers at each level, 0 to 4."
    )


class _CheckSummary(ResultModel):
    """One check over all answers to one question."""

    question_id: str
    id: str
    kind: Literal["point", "red_flag"]
    statement: str
    judged: int = 0
    met: int = 0
    partly: int = 0
    not_met: int = 0
    missed_share: float | None = Field(
        default=None, description="Share (0-1) of the judged answers that do not meet it."
    )


class _QuestionSummary(ResultModel):
    """All answers to one question."""

    question_id: str
    answers: int = 0
    scored: int = 0
    unscored: int = 0
    failed: int = 0
    mean: float | None = None
    median: float | None = None
    distribution: list[int] = Field(
        default_factory=lambda: [0] * _BINS, description="Number of scores in each tenth of the scale."
    )
    criteria: list[CriterionSummary] = Field(default_factory=list)


class _ReviewItem(ResultModel):
    """An answer that a person should look at, and why."""

    row_id: str
    key: str
    candidate: str | None
    question_id: str
    score: float | None
    interval: tuple[float, float] | None
    reasons: list[str]


class _FailureCount(ResultModel):
    """How many rows failed for one reason."""

    reason: str
    rows: int = 0


class _JudgeCount(ResultModel):
    """What judged how many of the rows."""

    judge: str
    model: str
    endpoint: str
    prompt_version: str
    calibration: str | None
    rows: int = 0


class BatchSummary(ResultModel):
    """A batch in numbers. Rows without a score are counted and left out of every mean and median.

    Tokens, dollars and seconds are those of the results that are kept (an identical answer costs nothing); what an
    earlier try of a row cost is not in them.
    """

    schema_: Literal["coach/batch-summary@1"] = Field(default="coach/batch-summary@1", alias="schema")
    created_at: str
    coach_version: str
    complete: bool = Field(description="Whether every row of the input was looked at.")
    rows: int = 0
    scored: int = 0
    unscored: int = 0
    failed: int = 0
    unreadable: int
    identical: int = Field(default=0, description="Rows that took over the result of an identical answer.")
    needs_review: int = 0
    partly_judged: int = Field(default=0, description="Scored answers with checks that could not be judged.")
    mean: float | None = None
    median: float | None = None
    questions: list[_QuestionSummary] = Field(default_factory=list)
    hardest: list[str] = Field(default_factory=list, description="Question ids, lowest mean first.")
    most_missed: list[_CheckSummary] = Field(default_factory=list)
    red_flags: list[_CheckSummary] = Field(
        default_factory=list, description="Wrong statements that were found, most frequent first."
    )
    review_first: list[_ReviewItem] = Field(default_factory=list)
    failures: list[_FailureCount] = Field(default_factory=list)
    judges: list[_JudgeCount] = Field(default_factory=list)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cached_share: float | None = Field(
        default=None, description="Share (0-1) of the input tokens that the server had cached."
    )
    cost_usd: float | None = Field(default=0.0, description="None when the cost of any result is not known.")
    seconds_per_answer: float | None = None


class BatchStatistics:
    """Add the result of every row once, then ask for the summary. Memory: eight bytes a score."""

    def __init__(self, *, complete: bool, unreadable: int) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._summary = BatchSummary(
            schema="coach/batch-summary@1",
            created_at=now,
            coach_version=version(),
            complete=complete,
            unreadable=unreadable,
        )
        #: Of questions, criteria and checks: by the question's id, and their own.
        self._questions: dict[str, _QuestionSummary] = {}
        self._scores: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self._criteria: dict[tuple[str, str], CriterionSummary] = {}
        self._checks: dict[tuple[str, str], _CheckSummary] = {}
        self._failures: dict[str, _FailureCount] = {}
        self._judges: Counter[tuple[str | None, ...]] = Counter()
        self._review: list[tuple[tuple[float, ...], int, _ReviewItem]] = []
        self._timed, self._seconds = 0, 0.0

    def add(self, result: RowResult) -> None:
        """Take note of how a row ended."""
        summary, assessment = self._summary, result.assessment
        question = self._questions.get(result.question_id)
        if question is None:
            question = self._questions[result.question_id] = _QuestionSummary(question_id=result.question_id)
            summary.questions.append(question)
        summary.rows += 1
        question.answers += 1
        if assessment is not None:
            self._add_receipt(result, assessment)
        if result.status == "failed":
            summary.failed += 1
            question.failed += 1
            self._add_failure(result.reason or "")
        elif assessment is not None:
            summary.identical += result.same_as is not None
            if assessment.score is None:
                summary.unscored += 1
                question.unscored += 1
            else:
                self._add_score(question, assessment, assessment.score)
            if assessment.needs_review:
                self._add_review(result, assessment)

    def _add_score(self, question: _QuestionSummary, assessment: Assessment, score: float) -> None:
        name, results = question.question_id, assessment.check_results()
        self._summary.scored += 1
        self._summary.partly_judged += any(check.verdict is Verdict.UNJUDGED for check in results)
        question.scored += 1
        question.distribution[min(_BINS - 1, round(10 * score) * _BINS // 1000)] += 1
        self._scores[name].append(score)
        for result in assessment.criteria:
            criterion = self._criteria.get((name, result.id))
            if criterion is None:
                criterion = self._criteria[name, result.id] = CriterionSummary(id=result.id, title=result.title)
                question.criteria.append(criterion)
            if result.credit is not None and result.level is not None:
                criterion.judged += 1
                criterion.levels[result.level] += 1
                mean = criterion.mean or 0.0
                criterion.mean = mean + (100 * result.credit - mean) / criterion.judged
        for item in results:
            check = self._checks.get((name, item.id))
            if check is None:
                check = _CheckSummary(question_id=name, id=item.id, kind=item.kind, statement=item.statement)
                self._checks[name, item.id] = check
            check.met += item.verdict is Verdict.MET
            check.partly += item.verdict is Verdict.PARTLY
            check.not_met += item.verdict is Verdict.NOT_MET

    def _add_receipt(self, result: RowResult, assessment: Assessment) -> None:
        summary, receipt = self._summary, assessment.receipt
        summary.input_tokens += receipt.input_tokens or 0
        summary.cached_tokens += receipt.cached_tokens or 0
        summary.output_tokens += receipt.output_tokens or 0
        if summary.cost_usd is not None:
            summary.cost_usd = None if receipt.cost_usd is None else summary.cost_usd + receipt.cost_usd
        if result.same_as is None and assessment.score is not None:
            self._seconds += receipt.seconds
            self._timed += 1
        self._judges[tuple(getattr(receipt, name) for name in _JUDGE)] += 1

    def _add_failure(self, reason: str) -> None:
        kind = _DIGITS.sub("#", reason)
        if kind not in self._failures and len(self._failures) >= _MAX_REASONS:
            kind = reason = _OTHER_REASON
        self._failures.setdefault(kind, _FailureCount(reason=reason)).rows += 1

    def _add_review(self, result: RowResult, assessment: Assessment) -> None:
        self._summary.needs_review += 1
        low, high = assessment.interval or (0.0, 100.0)
        item = _ReviewItem(
            row_id=result.row_id,
            key=result.key,
            candidate=result.candidate,
            question_id=result.question_id,
            score=assessment.score,
            interval=assessment.interval,
            reasons=assessment.review_reasons,
        )
        # Among equals the first rows stay.
        entry = ((float(len(item.reasons)), high - low), -self._summary.rows, item)
        heapq.heappush(self._review, entry)
        if len(self._review) > REVIEW_FIRST:
            heapq.heappop(self._review)

    def summary(self) -> BatchSummary:
        """Return the numbers; questions in the order in which they first appeared."""
        summary = self._summary
        for criterion in self._criteria.values():
            criterion.mean = None if criterion.mean is None else round(criterion.mean, 2)
        for check in self._checks.values():
            check.judged = check.met + check.partly + check.not_met
            check.missed_share = round(check.not_met / check.judged, 4) if check.judged else None
        for question in summary.questions:
            question.mean, question.median = _middle(self._scores[question.question_id])
        summary.mean, summary.median = _middle(array("d", (x for scores in self._scores.values() for x in scores)))
        known = sorted((q.mean, q.question_id) for q in summary.questions if q.mean is not None)
        summary.hardest = [question_id for _, question_id in known]
        summary.most_missed = _first(
            (c for c in self._checks.values() if c.kind == "point" and c.not_met),
            lambda c: (-(c.missed_share or 0.0), -c.judged),
        )
        summary.red_flags = _first(
            (c for c in self._checks.values() if c.kind == "red_flag" and c.met + c.partly),
            lambda c: (-(c.met + c.partly),),
        )
        summary.review_first = [item for *_, item in sorted(self._review, key=lambda entry: entry[:2], reverse=True)]
        summary.failures = sorted(self._failures.values(), key=lambda failure: -failure.rows)
        judges = self._judges.most_common()
        summary.judges = [
            _JudgeCount.model_validate({**dict(zip(_JUDGE, who, strict=True)), "rows": rows}) for who, rows in judges
        ]
        if summary.input_tokens:
            summary.cached_share = round(summary.cached_tokens / summary.input_tokens, 4)
        if summary.cost_usd is not None:
            summary.cost_usd = round(summary.cost_usd, 6)
        if self._timed:
            summary.seconds_per_answer = round(self._seconds / self._timed, 3)
        return summary


def _middle(scores: array[float]) -> tuple[float | None, float | None]:
    return (round(fmean(scores), 2), round(median(scores), 2)) if scores else (None, None)


def _first(checks: Iterable[_CheckSummary], rank: Callable[[_CheckSummary], tuple[float, ...]]) -> list[_CheckSummary]:
    return sorted(checks, key=lambda check: (*rank(check), check.question_id, check.id))[:_MOST_MISSED]
