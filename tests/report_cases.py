"""Assessments that every report writer must show rightly, for tests of the writers."""

from __future__ import annotations

from typing import Any

from assessment_factory import ANSWER, criteria, dicom_assessment, dicom_question, dicom_rubric, unscored_assessment

from coach.answer.answer import AssessmentWarning
from coach.report.view import ReportView, build_view
from coach.submit.assessment import Assessment

MISTAKE = "Claims that any two devices labelled DICOM will always work together"
MISSING = "Explains that two devices first negotiate an association"
WHY_UNSCORED = "The answer is too short to judge (3 words; at least 8 are needed)."
#: Text that would become structure, style or a command if a writer did not escape it.
HOSTILE = (
    "<script>alert(1)</script> <img src=http://example.com/x onerror=alert(2)> </div></main> {{ 7 * 7 }} {% raw %}\n"
    "# Heading **bold** [red]style[/red] [link=http://example.com]here[/link] ![i](http://example.com/i.png)\n"
    "```\n--> ]]> &lt;b&gt; \"quoted\" 'single' `code` | a | b |\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202egnp.exe :smile:"
)


def full_view(**options: Any) -> ReportView:
    """Return the view of the realistic assessment."""
    return build_view(dicom_assessment(), dicom_question(), dicom_rubric(), ANSWER, **options)


def rich_view() -> ReportView:
    """Return a view with a warning and an outline too."""
    warning = AssessmentWarning(
        code="placeholder", message="The answer still contains a [placeholder]; replace it by your own facts."
    )
    assessment = dicom_assessment(
        warnings=[warning], outline="First say what it is: [your words].\nThen tell what you did in [a project]."
    )
    return build_view(assessment, dicom_question(), dicom_rubric(), ANSWER)


def unscored_view(**options: Any) -> ReportView:
    """Return the view of an answer that was not judged."""
    return build_view(unscored_assessment(WHY_UNSCORED), dicom_question(), dicom_rubric(), "DICOM is great.", **options)


def hostile_view() -> ReportView:
    """Return a view with hostile text in every place that text from outside can reach."""
    assessment = dicom_assessment(
        strengths=[HOSTILE],
        follow_up=HOSTILE,
        outline=HOSTILE,
        warnings=[AssessmentWarning(code="x", message=HOSTILE)],
        review_reasons=[HOSTILE],
        criteria=_hostile_criteria(),
        improvements=[item.model_copy(update={"advice": HOSTILE}) for item in dicom_assessment().improvements],
        receipt=dicom_assessment().receipt.model_copy(update={"model": HOSTILE, "endpoint": HOSTILE}),
    )
    return build_view(assessment, dicom_question(), dicom_rubric(), f"{ANSWER}\n{HOSTILE}")


def same_words_other_numbers() -> Assessment:
    """Return the realistic assessment with every number changed, but none of the words that follow from it."""
    changed = criteria()
    for item in changed:
        item.weight *= 1 + 0.2 * (item.id == "concepts")
        item.credit = (item.credit or 0) + 0.013
        for check in item.checks:
            check.probability = None if check.probability is None else check.probability * 0.97
    gains = [item.model_copy(update={"gain": item.gain * 1.5}) for item in dicom_assessment().improvements]
    return dicom_assessment(score=62.93, interval=(53.48, 70.01), criteria=changed, improvements=gains)


def other_numbers_view() -> ReportView:
    """Return the view of ``same_words_other_numbers`` without numbers."""
    return build_view(same_words_other_numbers(), dicom_question(), dicom_rubric(), ANSWER, show_score=False)


def _hostile_criteria() -> list[Any]:
    hostile = criteria()
    for item in hostile:
        item.title = item.level_title = HOSTILE
        for check in item.checks:
            check.statement = check.comment = HOSTILE
    return hostile
