"""The checks of an assessment as points that a candidate can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coach.judge.judging import Verdict
from coach.report import words
from coach.report.display_text import one_line
from coach.report.marked_answer import Marker, Quoted
from coach.report.words import Standing
from coach.submit.assessment import Assessment, CheckResult

_SHOWS_QUOTES = (Standing.EARNED, Standing.PARTLY, Standing.AGAINST)


@dataclass(frozen=True)
class PointView:
    """One check as the candidate sees it. ``number`` is its marker in the answer, ``step`` the step about it."""

    check_id: str
    statement: str
    standing: Standing
    label: str
    quotes: tuple[str, ...] = ()
    number: int | None = None
    step: int | None = None
    comment: str = ""
    advice: str = ""
    #: True when the judge was not sure of a red flag.
    doubtful: bool = False
    #: The marker of an earlier point with the very same quotes, as text.
    same_as: str | None = None


def _standing(check: CheckResult) -> Standing | None:
    """Return how a check stands; None for a red flag that the answer does not raise."""
    if check.verdict is Verdict.UNJUDGED:
        return Standing.UNJUDGED
    if check.kind == "red_flag":
        return None if check.verdict is Verdict.NOT_MET else Standing.AGAINST
    return {Verdict.MET: Standing.EARNED, Verdict.PARTLY: Standing.PARTLY}.get(check.verdict, Standing.MISSING)


def build_points(assessment: Assessment, steps: Mapping[str, int], advice: Mapping[str, str]) -> dict[str, PointView]:
    """Return the points by check id in reading order: red flags first, then criterion by criterion.

    Points with quotes are numbered in this order. ``steps`` gives the step about a check, ``advice`` its advice.
    """
    drafts = [
        (standing is not Standing.AGAINST, place, standing.rank, standing, check)
        for place, criterion in enumerate(assessment.criteria)
        for check in criterion.checks
        if (standing := _standing(check)) is not None
    ]
    points: dict[str, PointView] = {}
    shown: dict[tuple[str, ...], str] = {}
    number = 0
    for _, _, _, standing, check in sorted(drafts, key=lambda draft: draft[:3]):
        quotes = tuple(one_line(item.quote) for item in check.evidence) if standing in _SHOWS_QUOTES else ()
        number += bool(quotes)
        doubtful = standing is Standing.AGAINST and check.verdict is Verdict.PARTLY
        points[check.id] = PointView(
            check_id=check.id,
            statement=one_line(check.statement),
            standing=standing,
            label=words.LABEL_MAY_COUNT_AGAINST if doubtful else words.LABELS[standing],
            doubtful=doubtful,
            quotes=quotes,
            number=number if quotes else None,
            step=steps.get(check.id),
            comment="" if standing is Standing.EARNED else one_line(check.comment or ""),
            advice=advice.get(check.id, ""),
            same_as=shown.get(quotes),
        )
        if quotes:
            shown.setdefault(quotes, words.marker_text(standing, number))
    return points


def quoted_points(assessment: Assessment, points: Mapping[str, PointView]) -> list[Quoted]:
    """Return every quote with the marker of its point."""
    return [
        Quoted(evidence, Marker(point.number, point.standing), check.id)
        for check in assessment.check_results()
        if (point := points.get(check.id)) is not None and point.number is not None
        for evidence in check.evidence
    ]
