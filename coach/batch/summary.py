"""The numbers of a batch (``summary.json``; the field names are contracts), gathered row by row."""

from __future__ import annotations

import heapq
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Literal

from pydantic import Field

from coach.bank.questions import TOP_LEVEL
from coach.batch.rows import RowResult
from coach.judge.judging import Verdict
from coach.schema import ResultModel
from coach.submit.assessment import Assessment

REVIEW_FIRST = 50
_MOST_MISSED = 20
#: Reasons are told apart by their words; numbers in them (seconds, tokens) would make each its own.
_MAX_REASONS = 200
_OTHER_REASON = "other reasons"
_DIGITS = re.compile(r"\d+")
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

    schema_: Literal["coach/batch-summary@1"] = Field(default="coach/batch-summary@1", alias="schema")
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


@dataclass
class _Criterion:
    title: str
    credits: array[float] = field(default_factory=lambda: array("d"))
    levels: list[int] = field(default_factory=lambda: [0] * (TOP_LEVEL + 1))


@dataclass
class _Check:
    kind: Literal["point", "red_flag"]
    statement: str
    verdicts: Counter[Verdict] = field(default_factory=Counter)


@dataclass
class _Question:
    answers: int = 0
    failed: int = 0
    scores: array[float] = field(default_factory=lambda: array("d"))
    criteria: dict[str, _Criterion] = field(default_factory=dict)
    checks: dict[str, _Check] = field(default_factory=dict)

    def add(self, assessment: Assessment, score: float) -> None:
        self.scores.append(score)
        for result in assessment.criteria:
            criterion = self.criteria.get(result.id) or self.criteria.setdefault(result.id, _Criterion(result.title))
            if result.credit is not None and result.level is not None:
                criterion.credits.append(result.credit)
                criterion.levels[result.level] += 1
            for item in result.checks:
                check = self.checks.get(item.id) or self.checks.setdefault(item.id, _Check(item.kind, item.statement))
                check.verdicts[item.verdict] += 1


class BatchStatistics:
    """Add the result of every row once, then ask for the summary. Memory: eight bytes a score and a credit."""

    def __init__(self) -> None:
        self._questions: dict[str, _Question] = {}
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._reason_texts: dict[str, str] = {}
        self._judges: Counter[tuple[str, str, str, str, str | None]] = Counter()
        self._review: list[tuple[tuple[float, ...], int, ReviewItem]] = []
        self._cost: float | None = 0.0
        self._seconds = 0.0

    @property
    def titles(self) -> list[str]:
        """The titles of all criteria, in the order in which they first appeared."""
        return list(dict.fromkeys(c.title for question in self._questions.values() for c in question.criteria.values()))

    def add(self, result: RowResult) -> None:
        """Take note of how a row ended."""
        counts = self._counts
        counts["rows"] += 1
        question = self._questions.get(result.question_id) or self._questions.setdefault(
            result.question_id, _Question()
        )
        question.answers += 1
        assessment = result.assessment
        if assessment is not None:
            self._add_receipt(result, assessment)
        if result.status == "failed":
            counts["failed"] += 1
            question.failed += 1
            self._add_reason(result.reason or "")
        elif assessment is not None:
            counts["identical"] += result.same_as is not None
            if assessment.score is None:
                counts["unscored"] += 1
            else:
                question.add(assessment, assessment.score)
                counts["partly"] += any(c.verdict is Verdict.UNJUDGED for c in assessment.check_results())
            if assessment.needs_review:
                counts["review"] += 1
                self._add_review(result, assessment)

    def _add_receipt(self, result: RowResult, assessment: Assessment) -> None:
        receipt = assessment.receipt
        for name in ("input_tokens", "cached_tokens", "output_tokens"):
            self._counts[name] += getattr(receipt, name) or 0
        if receipt.cost_usd is None:
            self._cost = None
        elif self._cost is not None:
            self._cost += receipt.cost_usd
        if result.same_as is None and assessment.score is not None:
            self._seconds += receipt.seconds
            self._counts["timed"] += 1
        judge = (receipt.judge, receipt.model, receipt.endpoint, receipt.prompt_version, receipt.calibration)
        self._judges[judge] += 1

    def _add_reason(self, reason: str) -> None:
        kind = _DIGITS.sub("#", reason)
        if kind not in self._reason_texts and len(self._reason_texts) >= _MAX_REASONS:
            kind = reason = _OTHER_REASON
        self._reason_texts.setdefault(kind, reason)
        self._reasons[kind] += 1

    def _add_review(self, result: RowResult, assessment: Assessment) -> None:
        low, high = assessment.interval or (0.0, 100.0)
        item = ReviewItem(
            row_id=result.row_id,
            key=result.key,
            candidate=result.candidate,
            question_id=result.question_id,
            score=assessment.score,
            interval=assessment.interval,
            reasons=assessment.review_reasons,
        )
        # Among equals the first rows stay.
        entry = ((float(len(item.reasons)), high - low), -self._counts["rows"], item)
        if len(self._review) < REVIEW_FIRST:
            heapq.heappush(self._review, entry)
        else:
            heapq.heappushpop(self._review, entry)

    def summary(self, *, created_at: str, coach_version: str, complete: bool, unreadable: int) -> BatchSummary:
        """Return the numbers; questions in the order in which they first appeared."""
        counts = self._counts
        scores = array("d", (score for question in self._questions.values() for score in question.scores))
        questions = [_question_summary(name, question) for name, question in self._questions.items()]
        checks = [
            _check_summary(name, check_id, check)
            for name, question in self._questions.items()
            for check_id, check in question.checks.items()
        ]
        hardest = sorted((q for q in questions if q.mean is not None), key=lambda q: (q.mean or 0.0, q.question_id))
        inputs = counts["input_tokens"]
        return BatchSummary(
            schema="coach/batch-summary@1",
            created_at=created_at,
            coach_version=coach_version,
            complete=complete,
            rows=counts["rows"],
            scored=len(scores),
            unscored=counts["unscored"],
            failed=counts["failed"],
            unreadable=unreadable,
            identical=counts["identical"],
            needs_review=counts["review"],
            partly_judged=counts["partly"],
            mean=_mean(scores),
            median=_median(scores),
            questions=questions,
            hardest=[question.question_id for question in hardest],
            most_missed=_most_missed(checks),
            red_flags=_found_red_flags(checks),
            review_first=[item for _, _, item in sorted(self._review, key=lambda entry: entry[:2], reverse=True)],
            failures=[FailureCount(reason=self._reason_texts[k], rows=n) for k, n in self._reasons.most_common()],
            judges=[
                JudgeCount(
                    judge=name, model=model, endpoint=endpoint, prompt_version=prompts, calibration=calibration, rows=n
                )
                for (name, model, endpoint, prompts, calibration), n in self._judges.most_common()
            ],
            input_tokens=inputs,
            cached_tokens=counts["cached_tokens"],
            output_tokens=counts["output_tokens"],
            cached_share=round(counts["cached_tokens"] / inputs, 4) if inputs else None,
            cost_usd=None if self._cost is None else round(self._cost, 6),
            seconds_per_answer=round(self._seconds / counts["timed"], 3) if counts["timed"] else None,
        )


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 2) if values else None


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 2) if values else None


def _question_summary(name: str, question: _Question) -> QuestionSummary:
    bins = Counter(min(BINS - 1, round(10 * score) * BINS // 1000) for score in question.scores)
    return QuestionSummary(
        question_id=name,
        answers=question.answers,
        scored=len(question.scores),
        unscored=question.answers - question.failed - len(question.scores),
        failed=question.failed,
        mean=_mean(question.scores),
        median=_median(question.scores),
        distribution=[bins[place] for place in range(BINS)],
        criteria=[
            CriterionSummary(
                id=criterion_id,
                title=criterion.title,
                judged=len(criterion.credits),
                mean=round(100 * fmean(criterion.credits), 2) if criterion.credits else None,
                levels=criterion.levels,
            )
            for criterion_id, criterion in question.criteria.items()
        ],
    )


def _check_summary(name: str, check_id: str, check: _Check) -> CheckSummary:
    met, partly, missed = (check.verdicts[v] for v in (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET))
    judged = met + partly + missed
    return CheckSummary(
        question_id=name,
        id=check_id,
        kind=check.kind,
        statement=check.statement,
        judged=judged,
        met=met,
        partly=partly,
        not_met=missed,
        missed_share=round(missed / judged, 4) if judged else None,
    )


def _most_missed(checks: list[CheckSummary]) -> list[CheckSummary]:
    missed = [check for check in checks if check.kind == "point" and check.not_met]
    return sorted(missed, key=lambda c: (-(c.missed_share or 0.0), -c.judged, c.question_id, c.id))[:_MOST_MISSED]


def _found_red_flags(checks: list[CheckSummary]) -> list[CheckSummary]:
    found = [check for check in checks if check.kind == "red_flag" and check.met + check.partly]
    return sorted(found, key=lambda c: (-(c.met + c.partly), c.question_id, c.id))[:_MOST_MISSED]
