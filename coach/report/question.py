"""The question bank as reports: the list, and one question with what a strong answer shows."""

from __future__ import annotations

from itertools import groupby

from coach.bank.questions import Bank, Check, Question
from coach.report.document import (
    Block,
    Card,
    Column,
    Document,
    Heading,
    Item,
    Items,
    Paragraph,
    Span,
    Table,
    section,
)


def bank_document(bank: Bank, *, with_notes: bool = True) -> Document:
    """Return the list of questions by category, and with notes what can be done next."""
    blocks: list[Block] = [Heading(bank.title, 1)]
    columns = (Column(right=True, wraps=False), Column(wraps=False), Column())
    for category, group in groupby(bank.questions, key=lambda question: question.category):
        rows = tuple((str(question.number), question.id, question.text) for question in group)
        blocks += [Heading(_category_title(bank, category)), Table(columns, rows)]
    if with_notes:
        blocks.append(Paragraph("More about one: coach questions ID", "dim"))
        blocks.append(Paragraph("Practise one: coach submit ID", "dim"))
    return Document(bank.title, tuple(blocks))


def question_document(bank: Bank, question: Question) -> Document:
    """Return one question with rationale, rubric and what a strong answer shows."""
    rubric = bank.rubric_of(question)
    checks = bank.checks_of(question)
    about = f"{question.id} · {_category_title(bank, question.category)}"
    blocks: list[Block] = [
        Heading(f"{question.number}. {question.text}", 1, above=about),
        Heading("Why it is asked"),
        Paragraph(question.rationale),
        Heading("What a strong answer shows"),
    ]
    for criterion in rubric.criteria:
        points = [check for check in checks if check.criterion == criterion.id and check.kind == "point"]
        blocks.append(Card(criterion.title, blocks=(_statements(points),)))
    red_flags = [check for check in checks if check.kind == "red_flag"]
    blocks += [Heading("What would count against it"), _statements(red_flags)]
    blocks += [Heading(f"How it is judged: {rubric.title}"), Paragraph(rubric.description)]
    total = sum(criterion.weight for criterion in rubric.criteria)
    for criterion in rubric.criteria:
        levels = [
            Item((Span(f"{level.level} {level.title}:", "strong"), f" {level.descriptor}"))
            for level in reversed(criterion.levels)
        ]
        blocks.append(Card(criterion.title, f"{criterion.weight / total:.0%}", (Items(tuple(levels)),)))
    for title, texts in (("An interviewer may go on with", question.follow_ups), ("Look it up", question.sources)):
        blocks += section(title, [Item(text) for text in texts])
    return Document(question.text, tuple(blocks))


def _statements(checks: list[Check]) -> Items:
    return Items(tuple(Item(check.statement, id=f"point-{check.id}") for check in checks))


def _category_title(bank: Bank, category: str) -> str:
    rubric = bank.rubrics.get(category)
    return rubric.title if rubric else category.replace("-", " ").capitalize()
