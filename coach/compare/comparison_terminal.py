"""The comparison for a terminal: the two texts side by side where the window is wide enough, else in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from coach.compare import comparison_words
from coach.compare.comparison_diff import DiffPiece, diff_rows, needs_gap
from coach.compare.comparison_view import ChangeGroup, ChangeView, ComparisonView
from coach.compare.series_view import SeriesView
from coach.report.document import Standing
from coach.report.terminal_page import MAX_WIDTH, STYLES, Page
from coach.report.terminal_parts import notice_lines, question_lines, receipt_rows, step_lines

SIDE_BY_SIDE_WIDTH = 110
#: A column wider than this is hard to read.
MAX_COLUMN = 80
_GAP = " │ "
_STYLES = {"removed": "red strike", "inserted": "green", "same": ""}
_BRACKETS = {"removed": ("[-", "-]"), "inserted": ("{+", "+}")}


@dataclass(frozen=True)
class TerminalComparison:
    """A rich renderable of one comparison, with the table of the series it belongs to, if any."""

    view: ComparisonView
    series: SeriesView | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report line by line."""
        page = Page.fitting(console, options)
        view = self.view
        yield from question_lines(page, view.question_number, view.question_id, view.question)
        if self.series is not None:
            yield from _series(page, self.series)
            old, new = view.versions
            yield from page.section(f"The last step: {old.label} → {new.label}")
        else:
            yield Text()
        yield from _head(page, view)
        yield from notice_lines(page, view.notices)
        for group in view.groups:
            yield from _group(page, group)
        yield from _next(page, view)
        yield from _claims(page, view)
        yield from _texts(replace(page, width=options.max_width), view)
        yield from _end(page, view)


def _head(page: Page, view: ComparisonView) -> Iterator[Text]:
    verdict = page.text(view.verdict, f"bold {STYLES[view.tone]}")
    difference = page.text(f" · {view.difference}" if view.difference else "")
    yield from page.block(Text.assemble(verdict, difference), "  ")
    yield from page.block(view.explanation, "  ")
    if view.example_note:
        yield from page.block(view.example_note, "  ", style="italic")
    yield Text()
    parts = [f"{version.part}:" for version in view.versions]
    for part, version in zip(parts, view.versions, strict=True):
        start = f"  {part:<{max(map(len, parts))}} "
        yield from page.block(f"{version.label} · {version.standing}", start, first_style="bold")


def _group(page: Page, group: ChangeGroup) -> Iterator[Text]:
    yield from page.section(group.title)
    if group.hint:
        yield from page.block(group.hint, "  ", style="dim")
    for change in group.changes:
        yield from _change(page, change, group.standing)


def _change(page: Page, change: ChangeView, standing: Standing) -> Iterator[Text]:
    parts = [page.text(f"[{change.number}] ", f"bold {STYLES[standing]}")] if change.number is not None else []
    parts.append(page.text(change.statement))
    aside = ", ".join(part for part in (change.step, change.points) if part)
    if aside:
        parts.append(page.text(f" ({aside})", "bold"))
    yield from page.block(Text.assemble(*parts), page.sign(standing, 2), first_style=STYLES[standing])
    for quote in change.quotes:
        yield from page.block(f"{quote.part}: “{quote.text}”", "      ", style=STYLES[standing])
    if change.note:
        yield from page.block(change.note, "      ", style="italic")


def _next(page: Page, view: ComparisonView) -> Iterator[Text]:
    yield from step_lines(page, view.steps_title, view.steps)
    if view.missing:
        yield from _group(page, view.missing)


def _claims(page: Page, view: ComparisonView) -> Iterator[Text]:
    if not view.claims:
        return
    yield from page.section(comparison_words.CLAIMS_TITLE)
    yield from page.block(comparison_words.CLAIMS_HINT, "  ", style="dim")
    for claim in view.claims:
        facts = page.text(f"{', '.join(claim.claims)}: ", "bold")
        yield from page.block(Text.assemble(facts, page.text(f"“{claim.quote}”")), "  - ")


def _texts(page: Page, view: ComparisonView) -> Iterator[Text]:
    if not view.pieces:
        return
    yield from page.section(comparison_words.DIFF_TITLE)
    if page.width >= SIDE_BY_SIDE_WIDTH:
        yield from _side_by_side(page, view)
    else:
        body = Text()
        for before, piece in zip([None, *view.pieces], view.pieces, strict=False):
            body.append_text(page.text(" " if needs_gap(before, piece) else ""))
            body.append_text(_piece(page, piece, piece.text))
        narrow = replace(page, width=min(page.width, MAX_WIDTH))
        yield from narrow.quotation(body)
    legend = [meaning for kind, meaning in _LEGEND.items() if any(_has(piece, kind) for piece in view.pieces)]
    if legend:
        yield Text()
        yield from page.block(" · ".join(legend), "  ", style="dim")


_LEGEND = {
    "removed": "[-removed-]",
    "inserted": "{+new+}",
    "moved": "<n moved n>",
    "numbered": "[n] brought the change with this number",
}


def _has(piece: DiffPiece, what: str) -> bool:
    if what == "moved":
        return piece.moved is not None
    if what == "numbered":
        return bool(piece.numbers)
    return piece.kind == what and piece.moved is None


def _side_by_side(page: Page, view: ComparisonView) -> Iterator[Text]:
    width = min(MAX_COLUMN, (page.width - 2 - len(_GAP)) // 2)
    gap = page.text(_GAP, "dim")
    heads = [page.text(f"{version.part}: {version.label}", "bold") for version in view.versions]
    rows = [([heads[0]], [heads[1]])]
    for left, right in diff_rows(view.pieces):
        rows.append(([_piece(page, piece, piece.old) for piece in left], [_piece(page, p, p.new) for p in right]))
    for left_texts, right_texts in rows:
        columns: list[Iterable[Text]] = [
            Text.assemble(*texts).wrap(page.console, width, overflow="fold") if texts else []
            for texts in (left_texts, right_texts)
        ]
        for left_line, right_line in zip_longest(*columns, fillvalue=Text()):
            left_line = left_line.copy()
            left_line.rstrip()
            line = Text.assemble("  ", left_line, " " * (width - left_line.cell_len), gap, right_line)
            line.rstrip()
            yield line


def _piece(page: Page, piece: DiffPiece, text: str) -> Text:
    """Return a piece of one text with brackets that need no colour, inside the white space at its edges."""
    body = text.strip(" \n")
    start = text.index(body) if body else 0
    if piece.kind == "same" or not body:
        shown = page.text(text)
    else:
        opening, closing = _BRACKETS[piece.kind]
        style = _STYLES[piece.kind]
        if piece.moved is not None:
            opening, closing, style = f"<{piece.moved} ", f" {piece.moved}>", "dim"
        marks = "".join(f"[{number}]" for number in piece.numbers)
        shown = Text.assemble(
            page.text(text[:start]),
            page.text(f"{opening}{body}{closing}", style),
            page.text(marks, "bold"),
            page.text(text[start + len(body) :]),
        )
    return shown


def _end(page: Page, view: ComparisonView) -> Iterator[Text]:
    if view.left_out:
        yield from page.section(comparison_words.LEFT_OUT_TITLE)
        for statement, reason in view.left_out:
            yield from page.block(f"{statement} ({reason})", page.sign(Standing.UNJUDGED, 2))
    yield from page.rule()
    if view.rule:
        yield from page.block(view.rule, "", style="dim")
    yield from receipt_rows(page, view.receipt)


def _series(page: Page, series: SeriesView) -> Iterator[Text | Table]:
    yield from page.section(comparison_words.SERIES_TITLE)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in series.headings:
        table.add_column(page.text(heading))
    for place, row in enumerate(series.rows):
        table.add_row(*(page.text(cell) for cell in row), style="bold" if place == series.best_row else "")
    yield table
    yield Text()
    yield from page.block(series.best, "  ", style="bold")
    for change in series.changes:
        yield Text()
        yield from page.block(change.title, "  ")
        for statement in change.lost:
            yield from page.block(statement, page.sign(Standing.AGAINST, 4), first_style=STYLES[Standing.AGAINST])
        for statement in change.gained:
            yield from page.block(statement, page.sign(Standing.EARNED, 4), first_style=STYLES[Standing.EARNED])
