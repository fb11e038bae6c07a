"""The report on a batch as one self-contained HTML page, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec

from coach.batch.batch_summary import BatchSummary
from coach.batch.batch_view import answer_view, score_text
from coach.batch.rows import JournalRecord, RowProblem
from coach.report import words
from coach.report.display_text import one_line
from coach.report.html import page_template

#: The template's crumbs are written so many at a time.
_PIECES = 512


def batch_page(
    summary: BatchSummary,
    questions: Mapping[str, str],
    answers: Iterable[JournalRecord],
    shown: int,
    problems: Iterable[RowProblem] = (),
) -> Iterator[str]:
    """Yield the page in pieces: no scripts, nothing loaded from elsewhere, only its own style sheet allowed (by hash).

    ``questions`` maps ids to texts; an id without one stands for itself. ``answers`` are the ``shown`` answers that
    the page holds, read while it is written. Without pygal the charts are left out.
    """
    from markupsafe import Markup

    stream = page_template("batch.html.j2", "batch.css").stream(
        summary=summary,
        hardest_first=sorted(summary.questions, key=lambda question: (question.mean is None, question.mean or 0.0)),
        text_of=lambda question_id: one_line(questions.get(question_id, question_id)),
        line=one_line,
        sentence=words.sentence,
        score_text=score_text,
        number=_number,
        percent=_percent,
        # Our own drawings, in which every label was escaped by the XML library.
        charts={name: tuple(Markup(chart) for chart in charts) for name, charts in _charts(summary, questions)},
        overview=[Markup(chart) for chart in _overview(summary)],
        answers=(answer_view(record) for record in answers),
        shown=shown,
        problems=list(problems),
    )
    stream.enable_buffering(_PIECES)
    yield from stream


def _charts(summary: BatchSummary, questions: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if find_spec("pygal") is None:
        return
    from coach.batch.batch_charts import distribution_chart, levels_chart

    for question in summary.questions:
        if question.scored:
            name = questions.get(question.question_id, question.question_id)
            yield (
                question.question_id,
                (distribution_chart(question.distribution, name), levels_chart(question.criteria, name)),
            )


def _overview(summary: BatchSummary) -> list[str]:
    if find_spec("pygal") is None or len(summary.questions) < 2 or not summary.scored:
        return []
    from coach.batch.batch_charts import distribution_chart

    total = [sum(bins) for bins in zip(*(q.distribution for q in summary.questions), strict=True)]
    return [distribution_chart(total, "all answers")]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
