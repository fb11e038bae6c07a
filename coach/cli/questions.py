"""``coach questions``: list the bank, or show one question with what a strong answer shows."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coach.cli.console import out_console
from coach.cli.options import BankOption, JsonOption, QuietOption

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question


def questions_command(
    question_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Question id, number or text.", show_default=False)
    ] = None,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """List the questions, or show one with rationale and rubric."""
    from coach.bank.find import find_question
    from coach.bank.load import load_bank
    from coach.report.question import bank_document, question_document
    from coach.report.terminal import TerminalReport

    loaded = load_bank(bank)
    if question_id is None:
        if as_json:
            _print_json(_listing(loaded))
        else:
            out_console().print(TerminalReport(bank_document(loaded, with_notes=not quiet)))
        return
    question = find_question(loaded, question_id)
    if as_json:
        _print_json(_details(loaded, question))
    else:
        out_console().print(TerminalReport(question_document(loaded, question)))


def _print_json(document: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _listing(bank: Bank) -> dict[str, Any]:
    return {
        "schema": "coach/questions@1",
        "title": bank.title,
        "profession": bank.profession,
        "categories": [
            {"category": category, "questions": [{"id": q.id, "number": q.number, "text": q.text} for q in group]}
            for category, group in groupby(bank.questions, key=lambda q: q.category)
        ],
    }


def _details(bank: Bank, question: Question) -> dict[str, Any]:
    return {
        "schema": "coach/question@1",
        "question": question.model_dump(mode="json"),
        "rubric": bank.rubric_of(question).model_dump(mode="json"),
    }
