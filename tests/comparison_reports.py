"""Comparisons that every report writer must show rightly, for tests of the writers.

They are kept in tests/data/comparisons as the JSON that ``coach compare --json`` printed, so that these tests are about
words and layout: scoring, noise and the wording of the bank can change without touching them. ``python
tests/comparison_reports.py`` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

from assessment_factory import dicom_bank, dicom_question
from comparison_cases import NEW, OLD, REWORDED, compared, keyword_judge, series
from report_cases import HOSTILE

from coach.answer.answer import AssessmentWarning
from coach.compare.report import comparison_document
from coach.compare.result import Comparison, ComparisonSeries
from coach.report.document import Document

KEPT = Path(__file__).resolve().parent / "data" / "comparisons"
MOMENT = "2026-11-24T03:40:12+00:00"


def kept(name: str) -> Comparison:
    """Return a kept comparison: improved, worse, unchanged, unscored or example."""
    return Comparison.model_validate_json((KEPT / f"{name}.json").read_bytes())


def improved() -> Comparison:
    """Return the kept comparison of OLD with NEW."""
    return kept("improved")


def report_on(
    result: Comparison | ComparisonSeries, old: str = OLD, new: str = NEW, *, show_score: bool = True
) -> Document:
    """Return the report on a comparison of two texts, or on the series that ends with it."""
    return comparison_document(result, dicom_question(), dicom_bank(), old, new, show_score=show_score)


def improved_report(*, show_score: bool = True) -> Document:
    """Return a report with a loss, gains, a red flag that went away, a moved sentence and new claims."""
    return report_on(improved(), show_score=show_score)


def worse_report() -> Document:
    """Return a report with losses, and a red flag that appeared."""
    return report_on(kept("worse"), NEW, OLD)


def unchanged_report() -> Document:
    """Return the report on a harmless rewording, with checks that could not be judged."""
    return report_on(kept("unchanged"), OLD, REWORDED)


def unscored_report() -> Document:
    """Return the report on a comparison with an empty old version."""
    return report_on(kept("unscored"), "", NEW)


def example_report() -> Document:
    """Return the report on a comparison with an example."""
    return report_on(kept("example"))


def three_versions() -> ComparisonSeries:
    """Return the kept series of a harmless rewording and a better version."""
    return ComparisonSeries.model_validate_json((KEPT / "series.json").read_bytes())


def series_report(*, show_score: bool = True) -> Document:
    """Return the report on that series."""
    return report_on(three_versions(), REWORDED, NEW, show_score=show_score)


def hostile_report() -> Document:
    """Return a report with hostile text in every place that text from outside can reach."""
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
    return report_on(comparison, old, new)


def other_numbers(comparison: Comparison) -> Comparison:
    """Return the comparison with every number changed, but none of the words that follow from it."""
    changed = comparison.model_copy(deep=True)
    changed.difference, changed.interval, changed.threshold = 13.0, (9.9, 17.2), 5.5
    changed.rule = "Another rule."
    for version in (changed.old, changed.new):
        version.score = (version.score or 0) + 1.4
        version.interval = (3.0, 66.0)
    for change in changed.changes():
        change.points *= 1.7
    changed.next_advice = [item.model_copy(update={"gain": item.gain * 1.3}) for item in changed.next_advice]
    return changed


def write_anew() -> None:
    """Write the kept comparisons with receipts that do not depend on the clock."""
    judge = keyword_judge(unjudged=frozenset({"own-example"}))
    comparisons = {
        "improved": compared(),
        "worse": compared(NEW, OLD),
        "unchanged": compared(OLD, REWORDED, judge=judge),
        "unscored": compared("", NEW),
        "example": compared(example=True),
    }
    table = series(OLD, REWORDED, NEW)
    versions = [version for c in (*comparisons.values(), table.latest) for version in (c.old, c.new)]
    for version in [*versions, *(row.version for row in table.rows)]:
        changes = {"created_at": MOMENT, "seconds": 6.2, "coach_version": "0.1.0"}
        version.receipt = version.receipt.model_copy(update=changes)
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, comparison in comparisons.items():
        (KEPT / f"{name}.json").write_text(comparison.to_json() + "\n", encoding="utf-8")
    (KEPT / "series.json").write_text(table.to_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_anew()
