"""The report on a judge as one self-contained HTML page with its charts."""

from __future__ import annotations

from coach.calibrate import calibration_words as words
from coach.calibrate.calibration_charts import reliability_chart, scatter_chart
from coach.calibrate.result import AgreementReport
from coach.report.display_text import lines, one_line
from coach.report.html import page_template


def calibration_page(report: AgreementReport) -> str:
    """Return the page: no scripts, nothing loaded from elsewhere, only its own style sheet allowed (named by hash).

    Raises ConfigurationError when the charts' library is not installed.
    """
    from markupsafe import Markup

    views, human, outcome = report.agreement, report.human, report.calibration
    return page_template("calibration.html.j2", "calibration.css").render(
        report=report,
        words=words,
        line=one_line,
        lines=lines,
        pooled=views.pooled,
        per_question=views.per_question,
        limits=words.reasons((("all answers", views.pooled), ("average over questions", views.per_question))),
        ceiling=[human.raters.pooled, human.judge_rater_1.pooled, human.judge_rater_2.pooled] if human else [],
        outcome=[outcome.before, outcome.after] if outcome else [],
        repeat=words.repeat_text(report),
        # Our own drawing, in which every label was escaped by the XML library.
        scatter=Markup(scatter_chart(report)),
        reliability=Markup(reliability_chart(report)),
    )
