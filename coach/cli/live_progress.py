"""What a person sees on standard error while the model is prepared and while it judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from coach.bank.questions import Bank, Check, Criterion, Question
from coach.judge.judging import CheckVerdict, OnVerdict
from coach.report.live import LiveProgress, Mark
from coach.submit.open import OnProgress
from coach.submit.scoring import criterion_credit, level_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


@contextmanager
def download_progress(console: Console, quiet: bool) -> Iterator[OnProgress]:
    """Yield a callback that shows a bar for something that is prepared once.

    Nothing is on the screen before the first call and after the last one, so that other displays can run inside.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
            progress.start()
            _announce(console, what, quiet)
        progress.update(tasks[what], completed=done)
        if progress.finished:
            progress.stop()

    try:
        yield report
    finally:
        progress.stop()


@contextmanager
def preparing(console: Console, quiet: bool, what: str = "Getting the model ready") -> Iterator[OnProgress]:
    """Show on a terminal that something goes on, with its share done as far as the callback that it yields tells."""
    spinner = "dots" if console.encoding.lower().startswith("utf") else "line"
    told: set[str] = set()
    with console.status(what, spinner=spinner) if console.is_terminal and not quiet else nullcontext() as status:

        def report(step: str, done: int, total: int) -> None:
            if step not in told and done < total:
                told.add(step)
                _announce(console, step, quiet)
            if status is not None:
                status.update(f"{step}: {done / total:.0%}" if done < total else step)

        yield report


def _announce(console: Console, what: str, quiet: bool) -> None:
    """Say in a log or a pipe, where no bar is drawn, why this takes long."""
    if not quiet and not console.is_terminal:
        console.print(f"{what} ...")


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
