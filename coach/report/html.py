"""The report as one self-contained HTML page, readable on screen and when printed."""

from __future__ import annotations

from coach.report import words
from coach.report.html_templates import page_template
from coach.report.view import ReportView


def html_report(view: ReportView) -> str:
    """Return the report as a page without scripts and without anything loaded from elsewhere.

    The page's content security policy allows its own style sheet, named by hash, and nothing else.
    """
    template = page_template("assessment.html.j2", "assessment.css")
    return template.render(view=view, words=words, marker_text=words.marker_text)
