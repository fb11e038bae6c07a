"""The report on a judge in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coach.models.calibration import Agreement, AgreementReport, Disagreement, HumanCeiling
from coach.reports import calibration_words as words
from coach.reports.display_text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_BAR = 20
_SHOWN_CHARS = 160


def calibration_view(report: AgreementReport) -> RenderableType:
    """Return the whole report as something that rich can print."""
    from rich.console import Group

    judge = report.judge
    parts: list[RenderableType] = [
        _text(words.TITLE, "bold"),
        _text(f"{judge.judge} · {judge.model} · prompts {judge.prompt_version} · {report.gold.name}", "dim"),
        _text(f"The answers were sent to {judge.endpoint}.", "dim"),
        "",
        *(_text(line) for line in words.headline(report)),
        *_section("Judge against human marks", _views_table(report)),
    ]
    parts += [_text(line, "dim") for line in _limits(report)]
    if report.human:
        parts += _section(f"Among people ({report.human.n} answers with two raters)", _ceiling_table(report.human))
    if report.reliability:
        parts += _section("When the judge gives this score, people give on average", _reliability_table(report))
    if report.labels:
        parts += _section("By label", _labels_table(report))
    repeat = words.repeat_text(report)
    if repeat:
        parts += _section("Repeated judging", _text(repeat))
    if report.calibration:
        parts += _section(f"Calibration {report.calibration.name}", _calibration(report))
    if report.worst:
        parts += _section("Farthest apart", _worst(report.worst))
    return Group(*parts)


def _views_table(report: AgreementReport) -> Table:
    views = report.agreement
    table = _table("", "All answers", "Average over questions")
    return _fill(table, [views.pooled, views.per_question])


def _ceiling_table(human: HumanCeiling) -> Table:
    columns = [human.raters.pooled, human.judge_rater_1.pooled, human.judge_rater_2.pooled]
    table = _table("", "Rater 1 – rater 2", "Judge – rater 1", "Judge – rater 2")
    return _fill(table, columns)


def _fill(table: Table, columns: Sequence[Agreement]) -> Table:
    for field, title, _ in words.STATISTICS:
        table.add_row(_text(title, "bold"), *(_text(words.figure(field, getattr(c, field))) for c in columns))
    return table


def _limits(report: AgreementReport) -> list[str]:
    views = report.agreement
    parts = (("All answers", views.pooled), ("Average over questions", views.per_question))
    return [words.LINEAR_NOTE, *words.reasons(parts)]


def _reliability_table(report: AgreementReport) -> Table:
    from rich.bar import Bar

    scale = report.gold.scale
    table = _table("Score", "Answers", "People", "Judge", f"{words.mark(scale.low)} … {words.mark(scale.high)}")
    for item in report.reliability:
        bar = Bar(100, 0, scale.percent_of(item.human_mean), width=_BAR, color="cyan")
        score = f"{item.low:.0f}–{item.high:.0f}"
        table.add_row(score, str(item.n), words.number(item.human_mean), words.number(item.judge_mean), bar)
    return table


def _labels_table(report: AgreementReport) -> Table:
    table = _table("Label", "Answers", "People", "Judge")
    for item in report.labels:
        human, judge = words.number(item.human_mean), words.number(item.judge_mean)
        table.add_row(_text(item.label), str(item.n), human, judge)
    return table


def _calibration(report: AgreementReport) -> RenderableType:
    from rich.console import Group

    outcome = report.calibration
    assert outcome is not None
    table = _fill(_table("", "Before", "After"), [outcome.before, outcome.after])
    return Group(*(_text(line) for line in words.calibration_text(report)), table)


def _worst(items: Sequence[Disagreement]) -> RenderableType:
    from rich.console import Group

    parts: list[RenderableType] = []
    for item in items:
        marks = f"people {words.mark(item.human)}, judge {words.mark(item.judge)} ({words.signed(item.difference)})"
        parts.append(_text(f"{item.id}, line {item.line}: {marks}", "bold"))
        parts.append(_text(f"  {_cut(item.question)}", "dim"))
        parts.append(_text(f"  {_cut(item.answer)}"))
    return Group(*parts)


def _cut(text: str) -> str:
    text = one_line(text[: 4 * _SHOWN_CHARS])
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1].rstrip()}…"


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return ["", _text(title, "bold"), body]


def _text(text: str, style: str = "") -> Text:
    # Text, not str: rich would read square brackets in foreign words as markup.
    from rich.text import Text

    indent = len(text) - len(text.lstrip(" "))
    return Text(" " * indent + one_line(text), style=style)


def _table(*headings: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 or "…" in heading else "right")
    return table
