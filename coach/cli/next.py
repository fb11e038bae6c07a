"""``coach next``: which question to practise next, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from coach.cli.options import BankOption, ReportOptions


def next_command(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many questions to suggest.")] = 5,
    bank: BankOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all questions, ranked, as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the question's id.")] = False,
) -> None:
    """Suggest the question to practise next, and say why.

    Never answered, weakest, or longest ago.
    """
    from coach.bank.load import load_bank
    from coach.history.progress import rank_questions
    from coach.history.report import next_document
    from coach.history.store import HistoryStore

    loaded = load_bank(bank)
    with HistoryStore.open() as store:
        attempts = store.attempts(bank_title=loaded.title)
    ranking = rank_questions(loaded, attempts, timezone=None)
    if quiet and not as_json:
        typer.echo(ranking.suggestions[0].question_id)
    else:
        ReportOptions(as_json, quiet).show(ranking.to_json(), lambda: next_document(ranking, count))
