"""The report as one self-contained HTML page, readable on screen and when printed."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from coach.reports import words
from coach.reports.view import ReportView
from coach.reports.words import Standing, marker_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parent / "templates"

_SIGNS = {
    Standing.EARNED: "✓",
    Standing.PARTLY: "◐",
    Standing.AGAINST: "✗",
    Standing.MISSING: "○",
    Standing.UNJUDGED: "?",
}


def html_report(view: ReportView) -> str:
    """Return the report as a page without scripts and without anything loaded from elsewhere.

    The page's content security policy allows its own style sheet, named by hash, and nothing else.
    """
    from markupsafe import Markup

    css = _style_sheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        _environment()
        .get_template("assessment.html.j2")
        .render(
            view=view,
            words=words,
            signs=_SIGNS,
            marker_text=marker_text,
            css=Markup(css),  # our own file; its hash is in the policy
            css_hash=digest,
        )
    )


@lru_cache(maxsize=1)
def _style_sheet() -> str:
    return (TEMPLATES / "assessment.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
