"""``coach next``: which question to practise next, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def next_command(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many questions to suggest.")] = 5,
    bank: Annotated[
        Path | None, typer.Option("--bank", metavar="FILE", help="Question bank to choose from.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all questions, ranked, as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the question's id.")] = False,
) -> None:
    """Suggest the question to practise next: never answered, weakest, or longest ago."""
    from rich.console import Console

    from coach.core.next_question import rank_questions
    from coach.edges.bank_files import load_bank
    from coach.edges.history.store import HistoryStore
    from coach.reports.history import next_view

    loaded = load_bank(bank)
    with HistoryStore.open() as store:
        attempts = store.attempts(bank_title=loaded.title)
    ranking = rank_questions(loaded, attempts, timezone=None)
    if as_json:
        sys.stdout.write(ranking.model_dump_json(by_alias=True, indent=2) + "\n")
    elif quiet:
        sys.stdout.write(ranking.suggestions[0].question_id + "\n")
    else:
        Console(highlight=False).print(next_view(ranking, count))
