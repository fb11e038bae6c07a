"""The report on a judge in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from coach.calibrate import calibration_words as words
from coach.calibrate.result import Agreement, AgreementReport, Disagreement
from coach.report.display_text import one_line
from coach.report.terminal_page import Page
from coach.report.words import counted

_SHOWN_CHARS = 160
_INDENT = "  "


@dataclass(frozen=True)
class CalibrationReport:
    """The whole report, from the headline to the answers on which judge and people are farthest apart."""

    report: AgreementReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report section by section."""
        page = Page.fitting(console, options)
        yield from _head(page, self.report)
        yield from _agreement(page, self.report)
        yield from _reliability(page, self.report)
        yield from _labels(page, self.report)
        yield from _repeat(page, self.report)
        yield from _calibration(page, self.report)
        yield from _worst(page, self.report.worst)


def _head(page: Page, report: AgreementReport) -> Iterator[Text]:
    judge = report.judge
    yield page.text(words.TITLE, "bold")
    about = (judge.judge, judge.model, f"prompts {judge.prompt_version}", report.gold.name)
    yield from page.joined(tuple(map(one_line, about)), style="dim")
    yield from _lines(page, [f"The answers were sent to {judge.endpoint}."], "dim")
    yield Text()
    yield from _lines(page, words.headline(report))


def _agreement(page: Page, report: AgreementReport) -> Iterator[Text | Table]:
    views, human = report.agreement, report.human
    yield from page.section("Judge against human marks")
    yield _figures(page, ("All answers", "Average over questions"), (views.pooled, views.per_question))
    parts = (("all answers", views.pooled), ("average over questions", views.per_question))
    yield from _lines(page, [words.LINEAR_NOTE, *words.reasons(parts)], "dim")
    if human:
        yield from page.section(f"Among people ({counted(human.n, 'answer')} with two raters)")
        columns = (human.raters.pooled, human.judge_rater_1.pooled, human.judge_rater_2.pooled)
        yield _figures(page, ("Rater 1 – rater 2", "Judge – rater 1", "Judge – rater 2"), columns)


def _reliability(page: Page, report: AgreementReport) -> Iterator[Text | Table]:
    if not report.reliability:
        return
    scale = report.gold.scale
    yield from page.section("When the judge gives this score, people give on average")
    ends = f"{words.mark(scale.low)} – {words.mark(scale.high)}"
    table = _table(page, "Score", "Answers", "People", "Judge", ends)
    table.columns[-1].justify = "left"
    for item in report.reliability:
        means = (words.number(item.human_mean), words.number(item.judge_mean))
        bar = page.bar(scale.percent_of(item.human_mean) / 100)
        _add_row(page, table, f"{item.low:.0f}–{item.high:.0f}", str(item.n), *means, bar)
    yield table


def _labels(page: Page, report: AgreementReport) -> Iterator[Text | Table]:
    if not report.labels:
        return
    yield from page.section("By label")
    table = _table(page, "Label", "Answers", "People", "Judge")
    for item in report.labels:
        means = (words.number(item.human_mean), words.number(item.judge_mean))
        _add_row(page, table, one_line(item.label), str(item.n), *means)
    yield table


def _repeat(page: Page, report: AgreementReport) -> Iterator[Text]:
    text = words.repeat_text(report)
    if text:
        yield from page.section("Repeated judging")
        yield from _lines(page, [text])


def _calibration(page: Page, report: AgreementReport) -> Iterator[Text | Table]:
    outcome = report.calibration
    if outcome:
        yield from page.section(f"Calibration {outcome.name}")
        yield from _lines(page, words.calibration_text(report))
        yield _figures(page, ("Before", "After"), (outcome.before, outcome.after))


def _worst(page: Page, items: Sequence[Disagreement]) -> Iterator[Text]:
    if items:
        yield from page.section("Farthest apart")
    for item in items:
        marks = f"people {words.mark(item.human)}, judge {words.mark(item.judge)} ({words.signed(item.difference)})"
        yield from _lines(page, [f"{item.id}, line {item.line}: {marks}"], "bold")
        yield from page.block(_cut(item.question), _INDENT, style="dim")
        yield from page.block(_cut(item.answer), _INDENT)


def _figures(page: Page, headings: Sequence[str], columns: Sequence[Agreement]) -> Table:
    table = _table(page, "", *headings)
    for field, title, _ in words.STATISTICS:
        _add_row(page, table, title, *(words.figure(field, getattr(column, field)) for column in columns))
    return table


def _table(page: Page, *headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, heading in enumerate(headings):
        table.add_column(_text(page, heading), justify="right" if number else "left")
    return table


def _add_row(page: Page, table: Table, name: str, *cells: str | Text) -> None:
    table.add_row(_text(page, name, "bold"), *(c if isinstance(c, Text) else _text(page, c) for c in cells))


def _text(page: Page, text: str, style: str = "") -> Text:
    # A real minus sign is in hardly any encoding but Unicode.
    return page.text(text.replace("−", "-") if page.plain else text, style)


def _lines(page: Page, texts: Sequence[str], style: str = "") -> Iterator[Text]:
    for text in texts:
        yield from page.block(_text(page, one_line(text), style), "")


def _cut(text: str) -> str:
    text = one_line(text[: 4 * _SHOWN_CHARS])
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1].rstrip()}…"
