"""The report on a batch as one self-contained HTML page, written piece by piece, with charts where pygal is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from coach.batch.inputs.layout import shorten
from coach.batch.rows import RowProblem, RowResult
from coach.batch.summary import BINS, BatchSummary, CriterionSummary
from coach.report import words
from coach.report.assessment import Point, build_points, mark_answer, quoted_points
from coach.report.charts import bare_svg, import_pygal
from coach.report.display_text import one_line
from coach.report.html import page_template
from coach.report.words import counted
from coach.submit.feedback import STEPS

#: The template's crumbs are written so many at a time.
_PIECES = 512
_WIDTH, _HEIGHT = 420, 170
_ROW, _FRAME = 34, 30
_LONGEST_TITLE = 32


def _answer_view(result: RowResult) -> dict[str, Any]:
    """Return what the page shows of an answer; every string is fit for display."""
    assessment = result.assessment
    points: dict[str, Point] = {}
    segments = mark_answer(result.answer, ())
    if assessment is not None and result.status == "ok":
        points = build_points(assessment)
        segments = mark_answer(result.answer, quoted_points(assessment, points))
    reason = result.reason or (assessment.unscored_reason if assessment else "") or ""
    criteria = assessment.criteria if assessment and assessment.score is not None else []
    top = sorted(assessment.improvements, key=lambda item: -item.gain)[:STEPS] if assessment and criteria else []
    judged = None if result.status == "failed" else assessment
    standing = _score_text(judged.score, judged.interval) if judged else "failed"
    return {
        "row_id": one_line(result.row_id),
        "candidate": one_line(result.candidate or result.row_id),
        "question_id": result.question_id,
        "standing": standing,
        "reason": words.sentence(one_line(reason)),
        "review": [words.sentence(one_line(text)) for text in (assessment.review_reasons if assessment else ())],
        "warnings": [words.sentence(one_line(item.message)) for item in (assessment.warnings if assessment else ())],
        "criteria": [
            {
                "title": one_line(criterion.title),
                "level": one_line(criterion.level_title or words.NOT_JUDGED),
                "points": sorted(
                    (points[check.id] for check in criterion.checks if check.id in points),
                    key=lambda point: point.standing.rank,
                ),
            }
            for criterion in criteria
        ],
        "segments": segments,
        "steps": [one_line(item.advice) for item in top],
        "same_as": one_line(result.same_as or ""),
    }


def _score_text(score: float | None, interval: tuple[float, float] | None) -> str:
    """Return a score with its interval as people read it."""
    if score is None:
        return "not scored"
    if interval is None:
        return f"{words.whole(score)}"
    return f"{words.whole(score)} ({words.whole(interval[0])}–{words.whole(interval[1])})"


def batch_page(
    summary: BatchSummary,
    questions: Mapping[str, str],
    answers: Iterable[RowResult],
    shown: int,
    problems: Iterable[RowProblem] = (),
) -> Iterator[str]:
    """Yield the page in pieces: no scripts, nothing loaded from elsewhere, only its own style sheet allowed (by hash).

    ``questions`` maps ids to texts; an id without one stands for itself. ``answers`` are the ``shown`` answers that
    the page holds, read while it is written. Without pygal the charts are left out.
    """
    from markupsafe import Markup

    charts, overview = {}, []
    scored = [question for question in summary.questions if question.scored]
    if find_spec("pygal") is not None:
        # Our own drawings, in which every label was escaped by the XML library.
        for question in scored:
            name = questions.get(question.question_id, question.question_id)
            drawn = distribution_chart(question.distribution, name), levels_chart(question.criteria, name)
            charts[question.question_id] = tuple(map(Markup, drawn))
        if scored and len(summary.questions) > 1:
            total = [sum(bins) for bins in zip(*(q.distribution for q in scored), strict=True)]
            overview = [Markup(distribution_chart(total, "all answers"))]
    stream = page_template("batch.html.j2", "batch.css").stream(
        summary=summary,
        hardest_first=sorted(summary.questions, key=lambda question: (question.mean is None, question.mean or 0.0)),
        text_of=lambda question_id: one_line(questions.get(question_id, question_id)),
        line=one_line,
        sentence=words.sentence,
        score_text=_score_text,
        number=lambda value: "–" if value is None else f"{value:.1f}",
        percent=lambda share: "–" if share is None else f"{100 * share:.0f} %",
        charts=charts,
        overview=overview,
        answers=(_answer_view(result) for result in answers),
        shown=shown,
        problems=list(problems),
    )
    stream.enable_buffering(_PIECES)
    yield from stream


def distribution_chart(distribution: Sequence[int], what: str) -> str:
    """Return a chart of how many scores lie in each tenth of the scale, as an SVG element."""
    step, most = 100 // BINS, max(distribution, default=0)
    ranges = [f"{start * step}–{(start + 1) * step}" for start in range(len(distribution))]
    pygal = import_pygal()
    chart = pygal.Bar(
        width=_WIDTH,
        height=_HEIGHT,
        x_labels=[str(start * step) for start in range(len(distribution))],
        y_labels=sorted({0, (most + 1) // 2, max(1, most)}),
        **_PLAIN,
    )
    chart.add(
        "answers", [_bar(n, f"{text}: {counted(n, 'answer')}") for n, text in zip(distribution, ranges, strict=True)]
    )
    spoken = ", ".join(f"{text}: {n}" for n, text in zip(distribution, ranges, strict=True) if n)
    return bare_svg(chart, f"Scores of {one_line(what)}: {spoken or 'none'}")


def levels_chart(criteria: Sequence[CriterionSummary], what: str) -> str:
    """Return a chart with a bar for each criterion, divided by the levels of the answers, as an SVG element."""
    pygal = import_pygal()
    # Drawn from the bottom up.
    shown = [criterion for criterion in reversed(criteria) if criterion.judged]
    chart = pygal.HorizontalStackedBar(
        width=_WIDTH,
        height=_FRAME + _ROW * max(1, len(shown)),
        x_labels=[shorten(one_line(criterion.title), _LONGEST_TITLE) for criterion in shown],
        y_labels=[0, 25, 50, 75, 100],
        range=(0, 100),
        **_PLAIN,
    )
    for level in range(5):
        shares = [100 * criterion.levels[level] / criterion.judged for criterion in shown]
        counts = [criterion.levels[level] for criterion in shown]
        chart.add(
            f"level {level}",
            [_bar(share, f"level {level}: {counted(n, 'answer')}") for share, n in zip(shares, counts, strict=True)],
        )
    spoken = "; ".join(f"{one_line(c.title)}: {', '.join(map(str, c.levels))}" for c in reversed(shown))
    return bare_svg(chart, f"Answers at levels 0 to 4, {one_line(what)}: {spoken or 'none'}")


_PLAIN: dict[str, Any] = {
    "js": [], "css": [], "show_legend": False, "margin": 4, "margin_right": 14, "spacing": 6, "show_y_guides": True,
}  # fmt: skip


def _bar(value: float, label: str) -> dict[str, Any]:
    return {"value": value, "label": label}
