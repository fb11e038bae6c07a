"""The numbers of a batch, gathered row by row: memory grows with the questions, not with the rows."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from dataclasses import dataclass, field

from coach.bank.questions import TOP_LEVEL
from coach.batch.batch_summary import (
    BINS,
    BatchSummary,
    CheckSummary,
    CriterionSummary,
    FailureCount,
    JudgeCount,
    QuestionSummary,
    ReviewItem,
)
from coach.batch.rows import JournalRecord
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment, CriterionResult

REVIEW_FIRST = 50
MOST_MISSED = 20
#: Reasons are told apart by their words; numbers in them (seconds, tokens) would make each its own.
_MAX_REASONS = 200
_OTHER_REASON = "other reasons"
_DIGITS = re.compile(r"\d+")


@dataclass
class _Scores:
    """Scores as counts of tenths of a point, so that the median needs no list of them."""

    tenths: Counter[int] = field(default_factory=Counter)
    count: int = 0

    def add(self, score: float) -> None:
        self.tenths[round(10 * score)] += 1
        self.count += 1

    def mean(self) -> float | None:
        if not self.count:
            return None
        return round(sum(tenth * n for tenth, n in self.tenths.items()) / self.count / 10, 2)

    def median(self) -> float | None:
        if not self.count:
            return None
        low, high = (self._at(place) for place in ((self.count - 1) // 2, self.count // 2))
        return round((low + high) / 20, 2)

    def distribution(self) -> list[int]:
        bins = [0] * BINS
        for tenth, n in self.tenths.items():
            bins[min(BINS - 1, tenth * BINS // 1000)] += n
        return bins

    def _at(self, place: int) -> int:
        for tenth in sorted(self.tenths):
            place -= self.tenths[tenth]
            if place < 0:
                return tenth
        raise IndexError(place)


@dataclass
class _Criterion:
    title: str
    credit: float = 0.0
    levels: list[int] = field(default_factory=lambda: [0] * (TOP_LEVEL + 1))

    def add(self, result: CriterionResult) -> None:
        if result.credit is not None and result.level is not None:
            self.credit += result.credit
            self.levels[result.level] += 1


@dataclass
class _Check:
    kind: str
    statement: str
    verdicts: Counter[Verdict] = field(default_factory=Counter)


@dataclass
class _Question:
    answers: int = 0
    failed: int = 0
    scores: _Scores = field(default_factory=_Scores)
    criteria: dict[str, _Criterion] = field(default_factory=dict)
    checks: dict[str, _Check] = field(default_factory=dict)

    def add(self, assessment: Assessment, score: float) -> None:
        self.scores.add(score)
        for criterion in assessment.criteria:
            self.criteria.setdefault(criterion.id, _Criterion(criterion.title)).add(criterion)
            for check in criterion.checks:
                self.checks.setdefault(check.id, _Check(check.kind, check.statement)).verdicts[check.verdict] += 1


class BatchStatistics:
    """Add the newest record of every row once, then ask for the summary."""

    def __init__(self) -> None:
        self._scores = _Scores()
        self._questions: dict[str, _Question] = {}
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._reason_texts: dict[str, str] = {}
        self._judges: Counter[tuple[str, str, str, str, str | None]] = Counter()
        self._review: list[tuple[tuple[float, ...], int, ReviewItem]] = []
        self._cost: float | None = 0.0
        self._seconds = 0.0

    def add(self, record: JournalRecord) -> None:
        """Take note of how a row ended."""
        self._counts["rows"] += 1
        question = self._questions.setdefault(record.question_id, _Question())
        question.answers += 1
        assessment = record.assessment
        if assessment is not None:
            self._add_receipt(record, assessment)
        if record.status == "failed":
            self._counts["failed"] += 1
            question.failed += 1
            self._add_reason(record.reason or "")
        elif assessment is not None:
            self._add_result(record, assessment, question)

    def _add_result(self, record: JournalRecord, assessment: Assessment, question: _Question) -> None:
        self._counts["identical"] += record.same_as is not None
        if assessment.score is None:
            self._counts["unscored"] += 1
        else:
            self._scores.add(assessment.score)
            question.add(assessment, assessment.score)
            self._counts["partly"] += any(c.verdict is Verdict.UNJUDGED for c in assessment.check_results())
        if assessment.needs_review:
            self._counts["review"] += 1
            self._add_review(record, assessment)

    def _add_receipt(self, record: JournalRecord, assessment: Assessment) -> None:
        receipt = assessment.receipt
        for name in ("input_tokens", "cached_tokens", "output_tokens"):
            self._counts[name] += getattr(receipt, name) or 0
        if receipt.cost_usd is None:
            self._cost = None
        elif self._cost is not None:
            self._cost += receipt.cost_usd
        if record.same_as is None and assessment.score is not None:
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

    def _add_review(self, record: JournalRecord, assessment: Assessment) -> None:
        low, high = assessment.interval or (0.0, 100.0)
        item = ReviewItem(
            row_id=record.row_id,
            key=record.key,
            candidate=record.candidate,
            question_id=record.question_id,
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
        questions = [_question_summary(name, question) for name, question in self._questions.items()]
        checks = [c for name, question in self._questions.items() for c in _check_summaries(name, question)]
        hardest = sorted((q for q in questions if q.mean is not None), key=lambda q: (q.mean or 0.0, q.question_id))
        inputs = counts["input_tokens"]
        return BatchSummary(
            schema="coach/batch-summary@1",
            created_at=created_at,
            coach_version=coach_version,
            complete=complete,
            rows=counts["rows"],
            scored=self._scores.count,
            unscored=counts["unscored"],
            failed=counts["failed"],
            unreadable=unreadable,
            identical=counts["identical"],
            needs_review=counts["review"],
            partly_judged=counts["partly"],
            mean=self._scores.mean(),
            median=self._scores.median(),
            questions=questions,
            hardest=[question.question_id for question in hardest],
            most_missed=_most_missed(checks),
            red_flags=_found_red_flags(checks),
            review_first=[item for _, _, item in sorted(self._review, key=lambda entry: entry[:2], reverse=True)],
            failures=[FailureCount(reason=self._reason_texts[k], rows=n) for k, n in self._reasons.most_common()],
            judges=[_judge_count(judge, rows) for judge, rows in self._judges.most_common()],
            input_tokens=inputs,
            cached_tokens=counts["cached_tokens"],
            output_tokens=counts["output_tokens"],
            cached_share=round(counts["cached_tokens"] / inputs, 4) if inputs else None,
            cost_usd=None if self._cost is None else round(self._cost, 6),
            seconds_per_answer=round(self._seconds / counts["timed"], 3) if counts["timed"] else None,
        )


def _judge_count(judge: tuple[str, str, str, str, str | None], rows: int) -> JudgeCount:
    name, model, endpoint, prompts, calibration = judge
    return JudgeCount(
        judge=name, model=model, endpoint=endpoint, prompt_version=prompts, calibration=calibration, rows=rows
    )


def _question_summary(name: str, question: _Question) -> QuestionSummary:
    criteria = []
    for criterion_id, criterion in question.criteria.items():
        judged = sum(criterion.levels)
        mean = round(100 * criterion.credit / judged, 2) if judged else None
        criteria.append(
            CriterionSummary(
                id=criterion_id, title=criterion.title, judged=judged, mean=mean, levels=list(criterion.levels)
            )
        )
    return QuestionSummary(
        question_id=name,
        answers=question.answers,
        scored=question.scores.count,
        unscored=question.answers - question.failed - question.scores.count,
        failed=question.failed,
        mean=question.scores.mean(),
        median=question.scores.median(),
        distribution=question.scores.distribution(),
        criteria=criteria,
    )


def _check_summaries(name: str, question: _Question) -> list[CheckSummary]:
    return [_check_summary(name, check_id, check) for check_id, check in question.checks.items()]


def _check_summary(name: str, check_id: str, check: _Check) -> CheckSummary:
    met, partly, missed = (check.verdicts[v] for v in (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET))
    judged = met + partly + missed
    return CheckSummary(
        question_id=name,
        id=check_id,
        kind="red_flag" if check.kind == "red_flag" else "point",
        statement=check.statement,
        judged=judged,
        met=met,
        partly=partly,
        not_met=missed,
        missed_share=round(missed / judged, 4) if judged else None,
    )


def _most_missed(checks: list[CheckSummary]) -> list[CheckSummary]:
    missed = [check for check in checks if check.kind == "point" and check.not_met]
    return sorted(missed, key=lambda c: (-(c.missed_share or 0.0), -c.judged, c.question_id, c.id))[:MOST_MISSED]


def _found_red_flags(checks: list[CheckSummary]) -> list[CheckSummary]:
    found = [check for check in checks if check.kind == "red_flag" and check.met + check.partly]
    return sorted(found, key=lambda c: (-(c.met + c.partly), c.question_id, c.id))[:MOST_MISSED]
