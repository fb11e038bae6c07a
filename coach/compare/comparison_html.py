"""The comparison as one self-contained HTML page, in the look of the report on one answer."""

from __future__ import annotations

from coach.compare import comparison_words
from coach.compare.comparison_diff import diff_rows
from coach.compare.comparison_view import ComparisonView
from coach.compare.series_view import SeriesView
from coach.report.html import page_template


def comparison_html(view: ComparisonView, series: SeriesView | None = None) -> str:
    """Return the comparison, with the table of its series if it has one, as a page that loads and runs nothing.

    The page's content security policy allows its own style sheet, named by hash, and nothing else.
    """
    return page_template("comparison.html.j2", "comparison.css").render(
        view=view,
        series=series,
        said=comparison_words,
        rows=diff_rows(view.pieces),
        numbered={number for piece in view.pieces for number in piece.numbers},
    )
