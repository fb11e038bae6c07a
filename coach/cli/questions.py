"""``coach questions``: list the bank, or show one question with what a strong answer shows."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

import typer

from coach.cli.console import out_console
from coach.cli.options import BankOption, JsonOption, QuietOption


def questions_command(
    question_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Question id, number or text.", show_default=False)
    ] = None,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """List the questions, or show one with rationale and rubric."""
    import json

    from coach.bank.find import find_question
    from coach.bank.load import load_bank
    from coach.report.question import bank_document, question_document
    from coach.report.terminal import TerminalReport

    loaded = load_bank(bank)
    shown: dict[str, Any]
    if question_id is None:
        report = bank_document(loaded, with_notes=not quiet)
        shown = {
            "schema": "coach/questions@1",
            "title": loaded.title,
            "profession": loaded.profession,
            "categories": [
                {"category": category, "questions": [{"id": q.id, "number": q.number, "text": q.text} for q in group]}
                for category, group in groupby(loaded.questions, key=lambda q: q.category)
            ],
        }
    else:
        question = find_question(loaded, question_id)
        report = question_document(loaded, question)
        shown = {
            "schema": "coach/question@1",
            "question": question.model_dump(mode="json"),
            "rubric": loaded.rubric_of(question).model_dump(mode="json"),
        }
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        out_console().print(TerminalReport(report))
