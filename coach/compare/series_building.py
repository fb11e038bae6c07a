"""Putting the table of a whole series of revisions together."""

from __future__ import annotations

from collections.abc import Sequence

from coach.bank.questions import Bank, Question
from coach.compare.comparison_building import (
    JudgedRevision,
    build_comparison,
    compared_version,
    difference_of,
    no_verdict_reason,
)
from coach.compare.difference import rule_in_words
from coach.compare.result import ComparisonSeries, SeriesRow, SeriesStep
from coach.submit.changes import check_changes


def build_series(bank: Bank, question: Question, revisions: Sequence[JudgedRevision]) -> ComparisonSeries:
    """Compare each revision with the one before it and with the first; raises ValueError for fewer than two."""
    if len(revisions) < 2:
        raise ValueError("a series needs at least two revisions")
    best = _best(revisions)
    rows = []
    for place, revision in enumerate(revisions):
        previous = revisions[place - 1] if place else None
        rows.append(
            SeriesRow(
                version=compared_version(revision),
                against_previous=_step(bank, question, previous, revision) if previous else None,
                against_first=_step(bank, question, revisions[0], revision) if previous else None,
                best=revision is best,
            )
        )
    return ComparisonSeries(
        question_id=question.id,
        rows=rows,
        best=best.label if best else None,
        not_clearly_better_than=_not_clearly_beaten(bank, question, best, revisions) if best else [],
        rule=rule_in_words(),
        latest=build_comparison(bank, question, revisions[-2], revisions[-1]),
    )


def _step(bank: Bank, question: Question, old: JudgedRevision, new: JudgedRevision) -> SeriesStep:
    difference = difference_of(bank, question, old.assessment, new.assessment)
    if difference is None:
        return SeriesStep(
            verdict=None,
            no_verdict_reason=no_verdict_reason(old, new, difference),
            difference=None,
            interval=None,
            lost=[],
            red_flags_appeared=[],
            gained=[],
            red_flags_gone=[],
        )
    changes = check_changes(old.assessment, new.assessment, difference.parts)
    low, high = difference.interval
    return SeriesStep(
        verdict=difference.verdict,
        no_verdict_reason=None,
        difference=round(difference.difference, 1) + 0.0,
        interval=(round(low, 1) + 0.0, round(high, 1) + 0.0),
        lost=changes.lost,
        red_flags_appeared=changes.red_flags_appeared,
        gained=changes.gained,
        red_flags_gone=changes.red_flags_gone,
    )


def _best(revisions: Sequence[JudgedRevision]) -> JudgedRevision | None:
    best: JudgedRevision | None = None
    for revision in revisions:
        score = revision.assessment.score
        if score is not None and (best is None or score >= (best.assessment.score or 0.0)):
            best = revision
    return best


def _not_clearly_beaten(
    bank: Bank, question: Question, best: JudgedRevision, revisions: Sequence[JudgedRevision]
) -> list[str]:
    others = [r for r in revisions if r is not best and r.assessment.score is not None]
    differences = [(r.label, difference_of(bank, question, r.assessment, best.assessment)) for r in others]
    return [label for label, difference in differences if difference is None or difference.verdict != "improved"]
