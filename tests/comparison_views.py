"""Comparisons that every report writer must show rightly, for tests of the writers."""

from __future__ import annotations

from functools import lru_cache

from assessment_factory import dicom_question, shipped_bank
from comparison_cases import NEW, OLD, REWORDED, compared, keyword_judge, series
from report_cases import HOSTILE

from coach.models.assessment import AssessmentWarning
from coach.models.comparison import Comparison, ComparisonSeries
from coach.reports.comparison_view import ComparisonView, build_comparison_view
from coach.reports.series_view import SeriesView, build_series_view

MOMENT = "2026-11-24T03:40:12+00:00"


@lru_cache(maxsize=4)
def improved(example: bool = False) -> Comparison:
    """Return the comparison of OLD with NEW, made at MOMENT."""
    return at_moment(compared(example=example))


def at_moment(comparison: Comparison) -> Comparison:
    """Return the comparison with receipts that do not depend on the clock."""
    for version in (comparison.old, comparison.new):
        version.receipt = version.receipt.model_copy(
            update={"created_at": MOMENT, "seconds": 6.2, "coach_version": "0.1.0"}
        )
    return comparison


def view_of(comparison: Comparison, old: str = OLD, new: str = NEW, *, show_score: bool = True) -> ComparisonView:
    """Return the view of a comparison of two texts."""
    return build_comparison_view(comparison, dicom_question(), shipped_bank(), old, new, show_score=show_score)


def improved_view(*, show_score: bool = True) -> ComparisonView:
    """Return a view with a loss, gains, a red flag that went away, a moved sentence and new claims."""
    return view_of(improved(), show_score=show_score)


def worse_view() -> ComparisonView:
    """Return a view with losses, and a red flag that appeared."""
    return view_of(at_moment(compared(NEW, OLD)), NEW, OLD)


def unchanged_view() -> ComparisonView:
    """Return the view of a harmless rewording, with checks that could not be judged."""
    judge = keyword_judge(unjudged=frozenset({"own-example"}))
    return view_of(at_moment(compared(OLD, REWORDED, judge=judge)), OLD, REWORDED)


def unscored_view() -> ComparisonView:
    """Return the view of a comparison with an empty old version."""
    return view_of(at_moment(compared("", NEW)), "", NEW)


def example_view() -> ComparisonView:
    """Return the view of a comparison with an example."""
    return view_of(improved(example=True))


@lru_cache(maxsize=1)
def three_versions() -> ComparisonSeries:
    """Return the series of a harmless rewording and a better version."""
    table = series(OLD, REWORDED, NEW)
    at_moment(table.latest)
    return table


def series_views(*, show_score: bool = True) -> tuple[ComparisonView, SeriesView]:
    """Return the view of the last step of the series, and its table."""
    rubric = shipped_bank().rubric_of(dicom_question())
    view = view_of(three_versions().latest, REWORDED, NEW, show_score=show_score)
    return view, build_series_view(three_versions(), rubric, show_score=show_score)


def hostile_view() -> ComparisonView:
    """Return a view with hostile text in every place that text from outside can reach."""
    old, new = f"{OLD}\n{HOSTILE}", f"{HOSTILE}\n{NEW}"
    comparison = compared(old, new)
    comparison.warnings.append(AssessmentWarning(code="x", message=HOSTILE))
    comparison.old.label = comparison.new.label = HOSTILE
    comparison.old.receipt.model = comparison.new.receipt.endpoint = HOSTILE
    for change in [*comparison.changes(), *comparison.still_missing]:
        change.statement = HOSTILE
        change.old_evidence = [item.model_copy(update={"quote": HOSTILE}) for item in change.old_evidence]
    comparison.next_advice = [item.model_copy(update={"advice": HOSTILE}) for item in comparison.next_advice]
    for claim in comparison.new_claims:
        claim.claim = claim.evidence.quote = HOSTILE
    return view_of(comparison, old, new)


def other_numbers(comparison: Comparison) -> Comparison:
    """Return the comparison with every number changed, but none of the words that follow from it."""
    changed = comparison.model_copy(deep=True)
    changed.difference, changed.interval, changed.threshold = 13.0, (9.9, 17.2), 5.5
    changed.rule = changed.rule.replace("4.0", "5.5")
    for version in (changed.old, changed.new):
        version.score = (version.score or 0) + 1.4
        version.interval = (3.0, 66.0)
    for change in changed.changes():
        change.points *= 1.7
    changed.next_advice = [item.model_copy(update={"gain": item.gain * 1.3}) for item in changed.next_advice]
    return changed
