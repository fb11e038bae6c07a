"""The question bank on a terminal: the list, and one question with what a strong answer shows."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from coach.models.bank import TOP_LEVEL, Bank, Check, Question, Rubric
from coach.reports.display_text import one_line


def question_table(bank: Bank) -> RenderableType:
    """Return the list of questions by category."""
    width = max(len(question.id) for question in bank.questions)
    parts: list[RenderableType] = [Text(one_line(bank.title), style="bold")]
    for category, group in groupby(bank.questions, key=lambda question: question.category):
        parts.append(Text(f"\n{_category_title(bank, category)}", style="bold cyan"))
        for question in group:
            line = Text(f"{question.number:>4}  {question.id:<{width}}  ")
            parts.append(_hanging(line, one_line(question.text), 8 + width))
    parts.append(Text("\nMore about one: coach questions ID    Practise one: coach submit ID", style="dim"))
    return Group(*parts)


def question_page(bank: Bank, question: Question) -> RenderableType:
    """Return one question with rationale, rubric and what a strong answer shows."""
    rubric = bank.rubric_of(question)
    parts: list[RenderableType] = [
        Text(f"{question.number}. {one_line(question.text)}", style="bold"),
        Text(f"{question.id} · {_category_title(bank, question.category)}", style="dim"),
        Text("\nWhy it is asked", style="bold cyan"),
        Padding(Text(one_line(question.rationale)), (0, 0, 0, 2)),
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
    lines: list[RenderableType] = [Padding(Text(one_line(rubric.description)), (0, 0, 0, 2))]
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


def _hanging(head: Text, text: str, indent: int) -> RenderableType:
    """Return a paragraph whose first line starts with ``head`` and whose others are indented."""
    return _Hanging(head, text, indent)


class _Hanging:
    def __init__(self, head: Text, text: str, indent: int) -> None:
        self.head, self.text, self.indent = head, text, indent

    def __rich_console__(self, console, options):  # type: ignore[no-untyped-def]
        width = max(20, min(options.max_width, 110) - self.indent)
        for index, line in enumerate(Text(self.text).wrap(console, width)):
            line.rstrip()
            yield Text.assemble(self.head if index == 0 else Text(" " * self.indent), line)


def _category_title(bank: Bank, category: str) -> str:
    rubric = bank.rubrics.get(category)
    return one_line(rubric.title) if rubric else category.replace("-", " ").capitalize()
