"""A batch as a table for people: one row an answer, one column a criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.batch.rows import JournalRecord
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment

#: How many improvements a row names.
IMPROVEMENTS = 3

Value = str | int | float | None

_BEFORE = (
    "Row", "Candidate", "Question", "Status", "Score", "Low", "High", "Needs review", "Review reasons",
    "Not scored because",
)  # fmt: skip
_AFTER = (
    "Missing points", "Wrong statements", "Top improvements", "Follow-up question", "Same answer as", "Answer",
    "Source", "Line", "Model", "Cost in USD",
)  # fmt: skip


@dataclass(frozen=True)
class TableRow:
    """The cells of one answer. ``criteria`` maps titles to percent of credit; questions differ in their criteria."""

    before: tuple[Value, ...]
    criteria: dict[str, float | None]
    after: tuple[Value, ...]

    def cells(self, titles: Sequence[str]) -> list[Value]:
        """Return the row under these criteria."""
        return [*self.before, *(self.criteria.get(title) for title in titles), *self.after]


def header(titles: Sequence[str]) -> list[str]:
    """Return the names of the columns, with one column for each of these criteria."""
    return [*_BEFORE, *titles, *_AFTER]


def table_row(record: JournalRecord) -> TableRow:
    """Return the cells of one row."""
    assessment = record.assessment
    low, high = (assessment.interval if assessment else None) or (None, None)
    score = assessment.score if assessment else None
    unscored = record.reason or (assessment.unscored_reason if assessment else None)
    review = ("yes" if assessment.needs_review else "no") if assessment and record.status == "ok" else None
    before: tuple[Value, ...] = (
        record.row_id, record.candidate, record.question_id, _status(record), score, low, high, review,
        " | ".join(assessment.review_reasons) if assessment else None, unscored,
    )  # fmt: skip
    after: tuple[Value, ...] = (
        *_advice(assessment), record.same_as, record.answer, record.source, record.line,
        assessment.receipt.model if assessment else None, assessment.receipt.cost_usd if assessment else None,
    )  # fmt: skip
    return TableRow(before, _criteria(assessment), after)


def _status(record: JournalRecord) -> str:
    if record.status == "failed":
        return "failed"
    return "scored" if record.assessment and record.assessment.score is not None else "not scored"


def _criteria(assessment: Assessment | None) -> dict[str, float | None]:
    if assessment is None:
        return {}
    return {c.title: None if c.credit is None else round(100 * c.credit, 1) for c in assessment.criteria}


def _advice(assessment: Assessment | None) -> tuple[Value, ...]:
    if assessment is None or assessment.score is None:
        return None, None, None, None
    checks = assessment.check_results()
    missing = [c.statement for c in checks if c.kind == "point" and c.verdict is Verdict.NOT_MET]
    wrong = [c.statement for c in checks if c.kind == "red_flag" and c.verdict in (Verdict.MET, Verdict.PARTLY)]
    top = sorted(assessment.improvements, key=lambda item: -item.gain)[:IMPROVEMENTS]
    return "\n".join(missing), "\n".join(wrong), "\n".join(item.advice for item in top), assessment.follow_up
