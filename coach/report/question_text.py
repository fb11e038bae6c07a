"""The question bank on a terminal: the list, and one question with what a strong answer shows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from coach.bank.questions import TOP_LEVEL, Bank, Check, Question, Rubric
from coach.report.display_text import one_line

#: Longer lines are hard to read, however wide the window is.
MAX_WIDTH = 110


def question_table(bank: Bank, *, with_notes: bool = True) -> RenderableType:
    """Return the list of questions by category, and with notes what can be done next."""
    width = max(len(question.id) for question in bank.questions)
    parts: list[RenderableType] = [Text(one_line(bank.title), style="bold")]
    for category, group in groupby(bank.questions, key=lambda question: question.category):
        parts.append(Text(f"\n{_category_title(bank, category)}", style="bold cyan"))
        for question in group:
            line = Text(f"{question.number:>4}  {question.id:<{width}}  ")
            parts.append(_hanging(line, one_line(question.text), 8 + width))
    if with_notes:
        parts.append(Text("\nMore about one: coach questions ID\nPractise one:   coach submit ID", style="dim"))
    return Group(*parts)


def question_page(bank: Bank, question: Question) -> RenderableType:
    """Return one question with rationale, rubric and what a strong answer shows."""
    rubric = bank.rubric_of(question)
    parts: list[RenderableType] = [
        _hanging(
            Text(f"{question.number}. ", style="bold"), one_line(question.text), len(f"{question.number}. "), "bold"
        ),
        Text(f"{question.id} · {_category_title(bank, question.category)}", style="dim"),
        Text("\nWhy it is asked", style="bold cyan"),
        _hanging(Text("  "), one_line(question.rationale), 2),
        Text("\nWhat a strong answer shows", style="bold cyan"),
    ]
    checks = bank.checks_of(question)
    for criterion in rubric.criteria:
        points = [c for c in checks if c.criterion == criterion.id and c.kind == "point"]
        parts.append(Text(f"  {one_line(criterion.title)}", style="bold"))
        parts += [_bullet("+", check) for check in points]
    parts.append(Text("\nWhat would count against it", style="bold cyan"))
    parts += [_bullet("!", check) for check in checks if check.kind == "red_flag"]
    parts.append(Text(f"\nHow it is judged: {one_line(rubric.title)}", style="bold cyan"))
    parts += _rubric_lines(rubric)
    if question.follow_ups:
        parts.append(Text("\nAn interviewer may go on with", style="bold cyan"))
        parts += [_hanging(Text("  - "), one_line(text), 4) for text in question.follow_ups]
    if question.sources:
        parts.append(Text("\nLook it up", style="bold cyan"))
        parts += [_hanging(Text("  - "), one_line(text), 4) for text in question.sources]
    return Group(*parts)


def _rubric_lines(rubric: Rubric) -> list[RenderableType]:
    total = sum(criterion.weight for criterion in rubric.criteria)
    lines: list[RenderableType] = [_hanging(Text("  "), one_line(rubric.description), 2)]
    for criterion in rubric.criteria:
        share = f"{criterion.weight / total:.0%}"
        lines.append(Text(f"  {one_line(criterion.title)} ({share})", style="bold"))
        for level in reversed(criterion.levels):
            style = "green" if level.level == TOP_LEVEL else ""
            head = Text(f"    {level.level} {one_line(level.title):<12} ", style=style)
            lines.append(_hanging(head, one_line(level.descriptor), 19))
    return lines


def _bullet(mark: str, check: Check) -> RenderableType:
    return _hanging(Text(f"    {mark} "), one_line(check.statement), 6)


@dataclass(frozen=True)
class _Hanging:
    """A paragraph whose first line starts with ``head`` and whose others are indented; no line ends in blanks."""

    head: Text
    text: Text
    indent: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(20, min(options.max_width, MAX_WIDTH) - self.indent)
        for index, line in enumerate(self.text.wrap(console, width)):
            whole = Text.assemble(self.head if index == 0 else Text(" " * self.indent), line)
            whole.rstrip()
            yield whole


def _hanging(head: Text, text: str, indent: int, style: str = "") -> RenderableType:
    return _Hanging(head, Text(text, style=style), indent)


def _category_title(bank: Bank, category: str) -> str:
    rubric = bank.rubrics.get(category)
    return one_line(rubric.title) if rubric else category.replace("-", " ").capitalize()
