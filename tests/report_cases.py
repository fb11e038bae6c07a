"""Reports that every writer must show rightly, and how tests look into a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from assessment_factory import ANSWER, criteria, dicom_assessment, dicom_question, dicom_rubric, unscored_assessment

from coach.answer.answer import AssessmentWarning
from coach.report.assessment import assessment_document
from coach.report.document import Document, Heading, Words, spans
from coach.submit.assessment import Assessment

MISTAKE = "Claims that any two devices labeled DICOM will always work together"
MISSING = "Explains that two devices first negotiate an association"
WHY_UNSCORED = "The answer is too short to judge (3 words; at least 8 are needed)."
#: Text that would become structure, style or a command if a writer did not escape it.
HOSTILE = (
    "<script>alert(1)</script> <img src=http://example.com/x onerror=alert(2)> </div></main> {{ 7 * 7 }} {% raw %}\n"
    "# Heading **bold** [red]style[/red] [link=http://example.com]here[/link] ![i](http://example.com/i.png)\n"
    "```\n--> ]]> &lt;b&gt; \"quoted\" 'single' `code` | a | b |\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202egnp.exe :smile:"
)

T = TypeVar("T")


def found(value: Any, kind: type[T]) -> Iterator[T]:
    """Yield everything of one kind in a document or a part of it, in reading order."""
    if isinstance(value, kind):
        yield value
    if isinstance(value, tuple | list):
        for part in value:
            yield from found(part, kind)
    elif is_dataclass(value):
        for field in fields(value):
            yield from found(getattr(value, field.name), kind)


def said(words: Words) -> str:
    """Return a text without its looks."""
    return "".join(span.text for span in spans(words))


def section(document: Document, title: str) -> Document:
    """Return the part of a report below one heading; empty when it has none of this title."""
    blocks: list[Any] = []
    inside = False
    for block in document.blocks:
        if isinstance(block, Heading):
            inside = said(block.text) == title
        elif inside:
            blocks.append(block)
    return Document(title, tuple(blocks))


def report_on(assessment: Assessment, answer: str = ANSWER, **options: Any) -> Document:
    """Return the report on an assessment of the shipped question."""
    return assessment_document(assessment, dicom_question(), dicom_rubric(), answer, **options)


def full_report(**options: Any) -> Document:
    """Return the report on the realistic assessment."""
    return report_on(dicom_assessment(), **options)


def rich_report() -> Document:
    """Return a report with a warning and an outline too."""
    warning = AssessmentWarning(
        code="placeholder", message="The answer still contains a [placeholder]; replace it by your own facts."
    )
    outline = "First say what it is: [your words].\nThen tell what you did in [a project]."
    return report_on(dicom_assessment(warnings=[warning], outline=outline))


def unscored_report(**options: Any) -> Document:
    """Return the report on an answer that was not judged."""
    return report_on(unscored_assessment(WHY_UNSCORED), "DICOM is great.", **options)


def hostile_report() -> Document:
    """Return a report with hostile text in every place that text from outside can reach."""
    hostile = criteria()
    for item in hostile:
        item.title = item.level_title = HOSTILE
        for check in item.checks:
            check.statement = check.comment = HOSTILE
    assessment = dicom_assessment(
        strengths=[HOSTILE],
        follow_up=HOSTILE,
        outline=HOSTILE,
        warnings=[AssessmentWarning(code="x", message=HOSTILE)],
        review_reasons=[HOSTILE],
        criteria=hostile,
        improvements=[item.model_copy(update={"advice": HOSTILE}) for item in dicom_assessment().improvements],
        receipt=dicom_assessment().receipt.model_copy(update={"model": HOSTILE, "endpoint": HOSTILE}),
    )
    return report_on(assessment, f"{ANSWER}\n{HOSTILE}")


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
