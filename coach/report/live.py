"""What a person sees while an answer is judged: a progress bar, and each criterion as soon as it is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from coach.bank.questions import Check, Criterion
from coach.judge.judging import CheckVerdict
from coach.report import words
from coach.report.display_text import one_line
from coach.report.terminal_page import Page


@dataclass(frozen=True)
class Mark:
    """Credit (0-1) and level (0-4) of one criterion; both None when it could not be judged."""

    credit: float | None
    level: int | None


#: Computes the mark of a criterion from the verdicts on its checks, in the order of the checks.
MarkCriterion = Callable[[Criterion, Sequence[tuple[Check, CheckVerdict]]], Mark]


class LiveProgress:
    """Shows the judging of one answer on a terminal; shows nothing when there is none or ``quiet`` is set.

    Use it as a context manager and pass ``on_verdict`` to the judge. Give it a console on standard error.
    """

    def __init__(
        self,
        criteria: Sequence[Criterion],
        checks: Sequence[Check],
        mark: MarkCriterion,
        console: Console,
        *,
        quiet: bool = False,
        show_score: bool = True,
    ) -> None:
        self._criteria = {criterion.id: criterion for criterion in criteria}
        self._checks = list(checks)
        self._mark = mark
        self._console = console
        self._show_score = show_score
        self._shown = console.is_terminal and not quiet
        self._verdicts: dict[str, CheckVerdict] = {}
        self._page = Page(console, console.width, console.encoding)
        self._progress = Progress(
            SpinnerColumn("line" if self._page.plain else "dots"),
            # Titles come from files; markup in them must stay text.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._shown,
        )
        self._task = self._progress.add_task(self._at_hand(), total=len(self._checks))

    def __enter__(self) -> Self:
        """Start the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar; the lines of the criteria stay."""
        self._progress.stop()

    def on_verdict(self, check: Check, verdict: CheckVerdict) -> None:
        """Note a verdict (see ``coach.judge.judging.OnVerdict``); a verdict told twice counts once."""
        if not self._shown or verdict.check_id in self._verdicts:
            return
        self._verdicts[verdict.check_id] = verdict
        self._progress.update(self._task, advance=1, description=self._at_hand())
        own = [item for item in self._checks if item.criterion == check.criterion]
        criterion = self._criteria.get(check.criterion)
        if criterion is not None and all(item.id in self._verdicts for item in own):
            mark = self._mark(criterion, [(item, self._verdicts[item.id]) for item in own])
            self._progress.console.print(self._line(criterion, mark), soft_wrap=True)

    def _at_hand(self) -> str:
        """Return the title of the criterion whose check is decided next."""
        for check in self._checks:
            if check.id not in self._verdicts and check.criterion in self._criteria:
                return one_line(self._criteria[check.criterion].title)
        return "Putting it together"

    def _line(self, criterion: Criterion, mark: Mark) -> Text:
        page = self._page
        width = max(page.text(one_line(item.title)).cell_len for item in self._criteria.values())
        title = page.text(one_line(criterion.title), "bold")
        title.pad_right(width - title.cell_len)
        if mark.level is None or mark.credit is None:
            return Text.assemble("  ", title, "  ", page.text(words.NOT_JUDGED))
        level = page.text(one_line(criterion.levels[mark.level].title), "bold cyan")
        bar: list[Text | str] = [page.bar(mark.credit), "  "] if self._show_score else []
        return Text.assemble("  ", title, "  ", *bar, level)
