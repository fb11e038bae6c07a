"""What the page on a batch says about one answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coach.batch.rows import JournalRecord
from coach.report import words
from coach.report.assessment import Point, build_points, mark_answer, quoted_points
from coach.report.display_text import one_line
from coach.report.document import Piece
from coach.submit.feedback import STEPS


@dataclass(frozen=True)
class AnswerCriterion:
    """One criterion of one answer."""

    title: str
    level: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class AnswerView:
    """One answer with its quotes; every string is fit for display."""

    row_id: str
    candidate: str
    question_id: str
    #: Such as "64 (52–71)", "not scored" or "failed".
    standing: str
    reason: str
    review: tuple[str, ...]
    warnings: tuple[str, ...]
    criteria: tuple[AnswerCriterion, ...]
    segments: tuple[Piece, ...]
    steps: tuple[str, ...]
    same_as: str


def answer_view(record: JournalRecord) -> AnswerView:
    """Turn a row's record into what the page shows."""
    assessment = record.assessment
    points: dict[str, Point] = {}
    segments = mark_answer(record.answer, ())
    if assessment is not None and record.status == "ok":
        points = build_points(assessment)
        segments = mark_answer(record.answer, quoted_points(assessment, points))
    reason = record.reason or (assessment.unscored_reason if assessment else "") or ""
    criteria = assessment.criteria if assessment and assessment.score is not None else []
    top = sorted(assessment.improvements, key=lambda item: -item.gain)[:STEPS] if assessment and criteria else []
    return AnswerView(
        row_id=one_line(record.row_id),
        candidate=one_line(record.candidate or record.row_id),
        question_id=record.question_id,
        standing=_standing(record),
        reason=words.sentence(one_line(reason)),
        review=tuple(words.sentence(one_line(text)) for text in (assessment.review_reasons if assessment else ())),
        warnings=tuple(words.sentence(one_line(item.message)) for item in (assessment.warnings if assessment else ())),
        criteria=tuple(
            AnswerCriterion(
                one_line(criterion.title),
                one_line(criterion.level_title or words.NOT_JUDGED),
                _in_order(points[check.id] for check in criterion.checks if check.id in points),
            )
            for criterion in criteria
        ),
        segments=segments,
        steps=tuple(one_line(item.advice) for item in top),
        same_as=one_line(record.same_as or ""),
    )


def score_text(score: float | None, interval: tuple[float, float] | None) -> str:
    """Return a score with its interval as people read it."""
    if score is None:
        return "not scored"
    if interval is None:
        return f"{words.whole(score)}"
    return f"{words.whole(score)} ({words.whole(interval[0])}–{words.whole(interval[1])})"


def _standing(record: JournalRecord) -> str:
    if record.status == "failed" or record.assessment is None:
        return "failed"
    return score_text(record.assessment.score, record.assessment.interval)


def _in_order(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple(sorted(points, key=lambda point: point.standing.rank))
