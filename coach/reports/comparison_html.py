"""The comparison as one self-contained HTML page, in the look of the report on one answer."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from coach.reports import comparison_words
from coach.reports.comparison_diff import diff_rows
from coach.reports.comparison_view import ComparisonView
from coach.reports.series_view import SeriesView
from coach.reports.words import Standing

TEMPLATES = Path(__file__).resolve().parent / "templates"
_STYLE_SHEETS = ("assessment.css", "comparison.css")
_SIGNS = {
    Standing.EARNED: "✓",
    Standing.PARTLY: "◐",
    Standing.AGAINST: "✗",
    Standing.MISSING: "○",
    Standing.UNJUDGED: "?",
}


def comparison_html(view: ComparisonView, series: SeriesView | None = None) -> str:
    """Return the comparison, with the table of its series if it has one, as a page that loads and runs nothing.

    The page's content security policy allows its own style sheet, named by hash, and nothing else.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    css = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in _STYLE_SHEETS)
    return environment.get_template("comparison.html.j2").render(
        view=view,
        series=series,
        said=comparison_words,
        signs=_SIGNS,
        rows=diff_rows(view.pieces),
        numbered={number for piece in view.pieces for number in piece.numbers},
        css=Markup(css),  # our own files; their hash is in the policy
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
    )
