"""The report on a judge: its findings in words, its tables and its charts, as a document for every writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from coach.calibrate.result import (
    Agreement,
    AgreementReport,
    Disagreement,
    LabelSummary,
    QuestionAgreement,
    ReliabilityBin,
    Scale,
    ScoredPair,
    Statistic,
)
from coach.report.charts import bare_svg, import_pygal
from coach.report.display_text import one_line
from coach.report.document import (
    Bar,
    Block,
    Card,
    Chart,
    Column,
    Document,
    Heading,
    Item,
    Items,
    MarkedText,
    Paragraph,
    Piece,
    Receipt,
    Span,
    Table,
    Words,
    joined,
)
from coach.report.words import counted

#: Field of an Agreement, its name, and what it says, for people who do not know it.
STATISTICS = (
    ("pearson", "Pearson r", "how well the marks lie on one line (1: perfectly, 0: not at all)"),
    ("spearman", "Spearman rho", "how well the order of the answers agrees"),
    ("qwk", "QWK", "agreement beyond chance; a large difference counts more than a small one"),
    ("rmse", "RMSE", "typical difference, in marks"),
    ("exact", "Exact", "share of answers with the same mark, rounded to steps of the scale"),
    ("adjacent", "Adjacent", "share of answers at most one step apart"),
    ("bias", "Bias", "judge minus human, in marks; above 0 the judge is milder"),
)

_TITLE = "How far this judge agrees with people"
_SHARES = ("exact", "adjacent")
_SHOWN_CHARS = 160
_MOST_TICKS = 10


def calibration_document(
    report: AgreementReport, *, page: bool = False, link: Callable[[ScoredPair], str] = lambda pair: ""
) -> Document:
    """Return the whole report, from the headline to the answers on which judge and people are farthest apart.

    For a ``page`` it has the charts, and answers in full length; ``link`` gives where an answer is shown, if anywhere.
    """
    judge = report.judge
    above = joined(" · ", judge.judge, judge.model, f"prompts {judge.prompt_version}", report.gold.name)
    blocks = [
        Heading(_TITLE, 1, above),
        Items(tuple(Item(finding) for finding in headline(report))),
        *_agreement(report),
        *_reliability(report, page, link),
        *_groups(report),
        *_worst(report.worst, page),
        _receipt(report),
    ]
    return Document(_TITLE, tuple(blocks), wide=True)


# --- words ------------------------------------------------------------------------------------------------------------


def headline(report: AgreementReport) -> list[str]:
    """Return the most important findings as sentences, what was left out last."""
    gold, scale, human, bias = report.gold, report.gold.scale, report.human, report.agreement.pooled.bias
    found = "given" if gold.scale_given else "found in the data; --scale LOW HIGH sets it"
    lines = [
        f"{counted(report.judged, 'answer')} to {counted(gold.questions, 'question')}, "
        f"marked from {mark(scale.low)} to {mark(scale.high)} in steps of {mark(scale.step)} ({found})."
    ]
    if human:
        views = (human.raters, human.judge_rater_1, human.judge_rater_2)
        raters, one, two = (view.pooled.pearson.value for view in views)
        if raters is not None and one is not None and two is not None:
            lines.append(
                f"Two raters agree with each other at r = {_number(raters)}; the judge agrees with one of them at "
                f"r = {_number((one + two) / 2)} on average ({human.n} answers)."
            )
    if bias.value is not None and bias.interval is not None:
        kind = "milder" if bias.value > 0 else "stricter"
        clear = f"The judge is {kind} than people by {_number(abs(bias.value))} marks on average."
        unclear = "The judge is neither clearly milder nor clearly stricter than people."
        lines.append(unclear if bias.interval[0] <= 0 <= bias.interval[1] else clear)
    by_judge, by_people = report.length["judge"].value, report.length["human"].value
    if by_judge is not None and by_people is not None:
        lines.append(
            f"Correlation of marks with length: {_number(by_judge)} for the judge, {_number(by_people)} for people."
        )
    if report.unjudged:
        why = "; ".join(f"{item.reason} ({item.count})" for item in report.unjudged_reasons)
        lines.append(f"Not judged and left out: {counted(report.unjudged, 'answer')}. {why}.")
    if gold.unreadable:
        lines.append(f"{counted(gold.unreadable, 'row')} of the file could not be used.")
    return lines


def _repeat_text(report: AgreementReport) -> str | None:
    """Return how much repeated scores vary; None when nothing was repeated."""
    spread = report.repeat
    if spread is None:
        return None
    if spread.mean_sd is None or spread.max_sd is None or spread.max_range is None:
        return f"No answer was judged {spread.times} times."
    judged = f"Judged {spread.times} times: {counted(spread.answers, 'answer')}"
    if not spread.changed:
        return f"{judged}; every score stayed the same."
    return (
        f"{judged}; {spread.changed} changed. Standard deviation in points of 100: {_number(spread.mean_sd)} on "
        f"average, {_number(spread.max_sd)} at most; largest range {_number(spread.max_range)}."
    )


def figure(field: str, statistic: Statistic) -> str:
    """Return a statistic with its interval, such as ``0.62 [0.51, 0.71]``."""
    if statistic.value is None:
        return "–"
    write = (lambda value: f"{100 * value:.0f}") if field in _SHARES else _number
    text = _signed(statistic.value) if field == "bias" else write(statistic.value)
    text += " %" if field in _SHARES else ""
    if statistic.interval is None:
        return text
    low, high = statistic.interval
    return f"{text} [{write(low)}, {write(high)}]"


def mark(value: float) -> str:
    """Return a mark as short as it can be written with two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _signed(value: float) -> str:
    text = _number(value)
    return text if text.startswith("−") or text == "0.00" else f"+{text}"


# --- sections ---------------------------------------------------------------------------------------------------------


def _agreement(report: AgreementReport) -> Iterator[Block]:
    views, human = report.agreement, report.human
    yield Heading("Judge against human marks")
    columns = {"All answers": views.pooled, "Average over questions": views.per_question}
    yield _figures(columns, explained=True)
    note = "The judge's score of 0 to 100 is mapped linearly to the scale of the marks; intervals are 95 %."
    for text in (note, *_limits(columns)):
        yield Paragraph(text, "dim")
    if human:
        yield Heading(f"Among people ({counted(human.n, 'answer')} with two raters)")
        pooled = (human.raters.pooled, human.judge_rater_1.pooled, human.judge_rater_2.pooled)
        titles = ("Rater 1 – rater 2", "Judge – rater 1", "Judge – rater 2")
        yield _figures(dict(zip(titles, pooled, strict=True)))


def _figures(columns: dict[str, Agreement], explained: bool = False) -> Table:
    heads = [Column(), *(Column(title, right=True) for title in columns)]
    rows: list[tuple[Words | Bar, ...]] = [
        (Span(title, "strong"), *(figure(field, getattr(column, field)) for column in columns.values()))
        for field, title, _ in STATISTICS
    ]
    if explained:
        heads.append(Column(spare=True))
        rows = [(*row, Span(meaning, "dim")) for row, (_, _, meaning) in zip(rows, STATISTICS, strict=True)]
    return Table(tuple(heads), tuple(rows))


def _limits(columns: dict[str, Agreement]) -> list[str]:
    """Return why figures are missing or limited, each reason once, with what it concerns."""
    found: dict[str, list[str]] = {}
    for where, agreement in columns.items():
        for field, title, _ in STATISTICS:
            if reason := getattr(agreement, field).reason:
                found.setdefault(f"{where.lower()}: {reason}", []).append(title)
    return [f"{', '.join(titles)} ({text})" for text, titles in found.items()]


def _reliability(report: AgreementReport, page: bool, link: Callable[[ScoredPair], str]) -> Iterator[Block]:
    if not report.reliability:
        return
    scale = report.gold.scale
    yield Heading("When the judge gives this score, people give on average")
    rows = tuple(
        (
            *_means(f"{item.low:.0f}–{item.high:.0f}", item),
            Bar(scale.percent_of(item.human_mean) / 100, f"people {_number(item.human_mean)}"),
        )
        for item in report.reliability
    )
    ends = Column(f"{mark(scale.low)} – {mark(scale.high)}")
    if page:
        dots = "Each dot is an answer. On the dashed line judge and people agree; above it the judge is milder."
        curve = "Mean human mark of the answers that the judge gave similar scores, with its 95 % interval."
        yield Chart(_scatter_chart(report, link), dots)
        yield Chart(_reliability_chart(report), curve)
    else:
        yield Table((*_columns("Score"), ends), rows)


def _groups(report: AgreementReport) -> Iterator[Block]:
    if report.labels:
        yield Heading("By label")
        yield Table(_columns("Label"), tuple(_means(item.label, item) for item in report.labels))
    if text := _repeat_text(report):
        yield Heading("Repeated judging")
        yield Paragraph(text)
    if outcome := report.calibration:
        yield Heading(f"Calibration {outcome.name}")
        yield Paragraph(
            f"Fitted on {counted(outcome.fit_answers, 'answer')} to {counted(outcome.fit_questions, 'question')}, "
            f"measured on {counted(outcome.held_out_answers, 'answer')} to the other {outcome.held_out_questions}."
        )
        yield Paragraph(f"Use it with: coach submit ID --calibration {outcome.name}")
        yield _figures({"Before": outcome.before, "After": outcome.after})
    if report.questions:
        yield Heading("Question by question")
        titles = {field: title for field, title, _ in STATISTICS if field not in _SHARES}
        columns = _columns("Question", *titles.values())
        spare = tuple(replace(column, spare=number > 4) for number, column in enumerate(columns))
        rows = [
            (*_means(q.text, q), *(figure(field, Statistic(value=getattr(q, field), n=q.n)) for field in titles))
            for q in report.questions
        ]
        yield Table(spare, tuple(rows))


def _columns(first: str, *more: str) -> tuple[Column, ...]:
    return (Column(first), *(Column(title, right=True) for title in ("Answers", "People", "Judge", *more)))


def _means(name: str, item: LabelSummary | QuestionAgreement | ReliabilityBin) -> tuple[Words, ...]:
    return Span(name, "strong"), str(item.n), _number(item.human_mean), _number(item.judge_mean)


def _worst(items: Sequence[Disagreement], page: bool) -> Iterator[Block]:
    if items:
        yield Heading("Farthest apart")
    for item in items:
        question, answer = (text if page else _cut(text) for text in (item.question, item.answer))
        place = Paragraph(f"{item.id}, line {item.line}", "dim")
        blocks = (place, Paragraph(question, "question"), MarkedText((Piece(answer),)))
        yield Card(f"People {mark(item.human)}, judge {mark(item.judge)}", _signed(item.difference), blocks)


def _cut(text: str) -> str:
    text = one_line(text[: 4 * _SHOWN_CHARS])
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1].rstrip()}…"


def _receipt(report: AgreementReport) -> Receipt:
    measured = [
        f"Measured {report.created_at:%Y-%m-%d} by answer-feedback-coach {report.coach_version}",
        f"prompts {report.judge.prompt_version}",
        f"answers were sent to {report.judge.endpoint}",
    ]
    if report.seconds_per_answer is not None:
        measured.append(f"{_number(report.seconds_per_answer)} s per answer")
    if report.cost_usd:
        measured.append(f"{report.cost_usd:.4f} US dollars")
    return Receipt((tuple(measured), ("This report holds answers as they were given. Treat it as you treat them.",)))


# --- charts -----------------------------------------------------------------------------------------------------------


def _scatter_chart(report: AgreementReport, link: Callable[[ScoredPair], str]) -> str:
    """Return a chart of human mark (across) and judge (up), one dot an answer, as an SVG element.

    ``link`` gives where an answer is shown, if anywhere.
    """
    chart = _chart(report.gold.scale, "Human mark", "Judge")
    dots = [_dot(p.human, p.judge, f"{p.id}: {_two(p.human, p.judge)}", link(p)) for p in report.pairs]
    chart.add("answers", dots)
    return bare_svg(chart, f"Scatter plot of {len(report.pairs)} answers: human mark across, judge up")


def _reliability_chart(report: AgreementReport) -> str:
    """Return a chart of the judge's mark (across) and the mean human mark (up) of each bin, as an SVG element."""
    scale, bins = report.gold.scale, report.reliability
    chart = _chart(scale, "Judge", "Mean human mark")
    dots = [_dot(b.judge_mean, b.human_mean, f"{b.n} answers: {_two(b.human_mean, b.judge_mean)}") for b in bins]
    chart.add("curve", dots, stroke=True)
    for item in bins:
        if item.human_interval:
            ends = [(item.judge_mean, min(scale.high, max(scale.low, end))) for end in item.human_interval]
            chart.add("interval", ends, stroke=True, show_dots=False)
    return bare_svg(chart, "Reliability curve: the judge's mark across, the mean human mark up")


def _chart(scale: Scale, across: str, up: str) -> Any:
    ends = (scale.low, scale.high)
    width = scale.high - scale.low
    steps = min(round(width / scale.step), _MOST_TICKS)
    ticks = [round(scale.low + width * number / steps, 6) for number in range(steps + 1)]
    chart = import_pygal().XY(
        width=560,
        height=440,
        margin=8,
        js=[],
        css=[],
        stroke=False,
        show_legend=False,
        dots_size=4,
        range=ends,
        xrange=ends,
        x_labels=ticks,
        y_labels=ticks,
        x_title=across,
        y_title=up,
        value_formatter=mark,
        x_value_formatter=mark,
    )
    chart.add("equal", [(end, end) for end in ends], stroke=True, show_dots=False)
    return chart


def _dot(x: float, y: float, label: str, link: str = "") -> dict[str, Any]:
    return {"value": (x, y), "label": one_line(label), "xlink": {"href": link} if link else None}


def _two(human: float, judge: float) -> str:
    return f"people {mark(human)}, judge {mark(judge)}"
