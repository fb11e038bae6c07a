"""What a person sees on standard error while the model is prepared and while it judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coach.cli.session import OnProgress
from coach.core.scoring import criterion_credit, level_of
from coach.models.bank import Bank, Check, Criterion, Question
from coach.models.judging import CheckVerdict, OnVerdict
from coach.reports.live import LiveProgress, Mark

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def download_progress(console: Console, quiet: bool) -> Iterator[OnProgress]:
    """Yield a callback that shows a bar for something that is prepared once."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        tasks = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
                if not quiet and not console.is_terminal:
                    console.print(f"{what} ...")
            progress.update(tasks[what], completed=done)
            if done >= total:
                progress.update(tasks[what], visible=False)

        yield report


@contextmanager
def judging_progress(
    console: Console, bank: Bank, question: Question, *, quiet: bool, show_score: bool
) -> Iterator[OnVerdict]:
    """Yield a callback for the judge that shows the criterion at hand and each criterion when it is decided."""
    rubric = bank.rubric_of(question)
    checks = bank.checks_of(question)
    with LiveProgress(rubric.criteria, checks, mark_criterion, console, quiet=quiet, show_score=show_score) as live:
        yield live.on_verdict


def mark_criterion(criterion: Criterion, verdicts: Sequence[tuple[Check, CheckVerdict]]) -> Mark:
    """Return credit and level of a criterion from the verdicts on its checks."""
    credit = criterion_credit(
        [check for check, _ in verdicts], {check.id: verdict.probability for check, verdict in verdicts}
    )
    return Mark(credit, None if credit is None else level_of(credit))
