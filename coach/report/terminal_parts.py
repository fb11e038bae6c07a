"""The parts that the report on one answer and the comparison share on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from coach.report.terminal_page import Page
from coach.report.view_parts import Notice, Step


def question_lines(page: Page, number: int, question_id: str, text: str) -> Iterator[Text]:
    """Yield the question with its number and id."""
    yield from page.block(f"Question {number} · {question_id}", "", style="dim")
    yield from page.block(text, "", style="bold")


def notice_lines(page: Page, notices: Sequence[Notice]) -> Iterator[Text]:
    """Yield what to know about the answer or its judging."""
    for notice in notices:
        yield from page.section(notice.title)
        for message in notice.messages:
            yield from page.block(message, "  ! ", first_style="yellow")


def step_lines(page: Page, title: str, steps: Sequence[Step]) -> Iterator[Text]:
    """Yield the next steps under their title; nothing where there is no step."""
    if steps:
        yield from page.section(title)
    for step in steps:
        yield from page.block(step.heading, f"  {step.number} ", style="bold cyan", first_style="bold cyan")
        yield from page.block(step.advice, "    ")


def receipt_rows(page: Page, receipt: Sequence[tuple[str, ...]]) -> Iterator[Text]:
    """Yield who judged at what cost, and what is needed to judge the same way again."""
    for parts in receipt:
        yield from page.joined(parts, style="dim")
