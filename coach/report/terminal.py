"""The report for a terminal: rich text that also reads well without colour, in a pipe and in ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from coach.report import words
from coach.report.points import PointView
from coach.report.terminal_page import STYLES, Page
from coach.report.terminal_parts import notice_lines, question_lines, receipt_rows, step_lines
from coach.report.view import CriterionView, ReportView
from coach.report.words import Standing, marker_text


@dataclass(frozen=True)
class TerminalReport:
    """A rich renderable of one report; it fits the width it is given, up to what is easy to read."""

    view: ReportView

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report line by line."""
        page = Page.fitting(console, options)
        view = self.view
        yield from _head(page, view)
        yield from notice_lines(page, view.notices)
        yield from _next_actions(page, view)
        if view.strengths:
            yield from page.section(words.STRENGTHS_TITLE)
            for strength in view.strengths:
                yield from page.block(strength, page.sign(Standing.EARNED, 2), first_style=STYLES[Standing.EARNED])
        if view.red_flags:
            yield from page.section(view.red_flags_title)
            for point in view.red_flags:
                yield from _red_flag(page, point)
        if view.criteria:
            yield from page.section(words.CRITERIA_TITLE)
            for criterion in view.criteria:
                yield from _criterion(page, criterion)
        yield from _answer(page, view)
        yield from _advice(page, view)
        yield from page.rule()
        yield from receipt_rows(page, view.receipt)


def _head(page: Page, view: ReportView) -> Iterator[Text]:
    head = view.headline
    yield from question_lines(page, view.question_number, view.question_id, view.question)
    yield Text()
    line = page.text(head.level, "bold cyan")
    if head.score is not None:
        line = Text.assemble(line, page.text(" · "), page.text(f"{head.score} of 100", "bold"))
    if head.uncertainty:
        line = Text.assemble(line, page.text(f", {head.uncertainty}"))
    yield from page.block(line, "  ")
    if head.score is not None:
        yield Text.assemble("  ", page.bar(head.score / 100))
    yield from page.block(head.opening, "  ")
    if head.points:
        yield from page.block(f"{head.points}.", "  ", style="dim")


def _next_actions(page: Page, view: ReportView) -> Iterator[Text]:
    if not view.next_actions:
        return
    yield from page.section(words.NEXT_TITLE)
    for action in view.next_actions:
        yield from page.block(action.text, "  ")
        if action.command:
            yield page.text(f"    {action.command}", "bold")


def _red_flag(page: Page, point: PointView) -> Iterator[Text]:
    yield from page.block(
        _labelled(page, point), page.sign(point.standing, 2), first_style=f"bold {STYLES[point.standing]}"
    )
    yield from _quotes(page, point, 4)
    if point.comment:
        yield from page.block(point.comment, "    ", style="dim")
    if point.step is not None:
        yield from page.block(f"→ Step {point.step} below shows what to say instead.", "    ")
    elif point.advice:
        yield from page.block(point.advice, "    ")


def _criterion(page: Page, criterion: CriterionView) -> Iterator[Text]:
    yield Text()
    yield from page.block(criterion.title, "  ", style="bold")
    yield from _level_line(page, criterion)
    if criterion.descriptor:
        yield from page.block(criterion.descriptor, "  ", style="italic")
    for point in criterion.points:
        yield from page.block(_labelled(page, point), page.sign(point.standing, 4), first_style=STYLES[point.standing])
        yield from _quotes(page, point, 6)
        if point.comment:
            yield from page.block(point.comment, "      ", style="dim")
    for reason, statements in criterion.unjudged:
        for statement in statements:
            body = Text.assemble(page.text(f"Not judged ({reason}): ", "bold"), page.text(statement))
            yield from page.block(body, page.sign(Standing.UNJUDGED, 4))


def _level_line(page: Page, criterion: CriterionView) -> Iterator[Text]:
    bar: list[Text | str] = [page.bar(criterion.credit), "  "] if criterion.credit is not None else []
    level = page.text(criterion.level, "bold cyan")
    numbers = page.text(f" · {criterion.numbers}" if criterion.numbers else "")
    yield from page.block(Text.assemble(level, numbers), Text.assemble("  ", *bar))


def _labelled(page: Page, point: PointView) -> Text:
    bold = f"bold {STYLES[point.standing]}".strip()
    parts = [page.text(f"{point.label.capitalize()}: ", bold)] if point.label else []
    parts.append(page.text(point.statement))
    if point.number is not None and not point.quotes:
        parts.append(page.text(f" {marker_text(point.standing, point.number)}", bold))
    if point.step is not None and point.standing is not Standing.AGAINST:
        parts.append(page.text(f" → step {point.step}", "bold"))
    return Text.assemble(*parts)


def _quotes(page: Page, point: PointView, indent: int) -> Iterator[Text]:
    marker = marker_text(point.standing, point.number) if point.number is not None else ""
    bold = f"bold {STYLES[point.standing]}"
    if point.same_as is not None:
        yield from page.block(f"the same sentence as {point.same_as}", f"{' ' * indent}{marker} ", first_style=bold)
        return
    for place, quote in enumerate(point.quotes):
        start = f"{' ' * indent}{marker} "
        first = start if place == 0 else " " * cell_len(start)
        yield from page.block(
            f"“{quote}”", first, style=STYLES[point.standing], first_style=f"bold {STYLES[point.standing]}"
        )


def _answer(page: Page, view: ReportView) -> Iterator[Text]:
    if not view.segments:
        return
    yield from page.section(view.answer_title)
    body = Text()
    for segment in view.segments:
        style = f"underline {STYLES[segment.standing]}" if segment.standing else ""
        body.append_text(page.text(segment.text, style))
        for marker in segment.markers:
            body.append_text(page.text(marker_text(marker.standing, marker.number), f"bold {STYLES[marker.standing]}"))
    yield from page.quotation(body)
    if view.legend:
        yield Text()
        meanings = [f"{marker_text(standing, 'n')} {meaning}" for standing, meaning in view.legend]
        yield from page.block(" · ".join(meanings), "  ", style="dim")


def _advice(page: Page, view: ReportView) -> Iterator[Text]:
    yield from step_lines(page, view.steps_title, view.steps)
    if view.outline:
        yield from page.section(words.OUTLINE_TITLE)
        yield from page.block(view.outline, "  ", rest="  ")
    if view.follow_up:
        yield from page.section(words.FOLLOW_UP_TITLE)
        yield from page.block(f"“{view.follow_up}”", "  ", style="italic", rest="  ")
