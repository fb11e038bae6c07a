"""What a person sees on standard error while something takes long: one display for everything that does.

On a terminal it is one line, gone at the end; in a log or a pipe a few plain lines; with --quiet nothing. Nothing is on
the screen before something is told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from coach.bank.questions import Bank, Check, Criterion, Question
from coach.cli.console import err_console
from coach.judge.judging import CheckVerdict, OnVerdict
from coach.report.display_text import one_line
from coach.report.words import NOT_JUDGED
from coach.submit.scoring import criterion_credit, level_of

#: Seconds between two lines in a log.
_EVERY = 1.0


class Display:
    """Shows one thing after the other; a context manager."""

    def __init__(
        self, quiet: bool = False, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet = quiet
        self._console = console or err_console()
        self._drawn = self._console.is_terminal and not quiet
        self._cells = 24 if self._console.width >= 72 else 12
        self._unicode = self._console.encoding.lower().startswith("utf")
        self._clock = clock
        self._progress = Progress(
            SpinnerColumn("dots" if self._unicode else "line"),
            # Titles come from files; markup in them must stay text.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=self._cells),
            TextColumn("{task.fields[about]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._drawn,
        )
        self._task: TaskID | None = None
        self._subject: object = None
        self._began = self._say_after = 0.0
        self._announced: set[str] = set()

    def __enter__(self) -> Self:
        """Return the display; nothing is shown before something is told."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away everything but the lines of what was decided."""
        self._progress.stop()

    def step(self, what: str, done: int = 1, total: int = 1) -> None:
        """Tell what is done next, and of what takes long how much is done; in a log only that is said, once."""
        self._begin(what)
        if self._drawn:
            long = done < total
            self._draw(what, done if long else 0, total if long else None, f"{done / total:.0%}" if long else "")
        elif done < total and what not in self._announced and not self._quiet:
            self._announced.add(what)
            self._console.print(f"{what} ...")

    def count(
        self,
        what: str,
        done: int,
        total: int,
        *,
        fresh: int | None = None,
        failed: int = 0,
        about: Sequence[str] = (),
    ) -> None:
        """Tell how many of ``total`` are done; in a log at most once a second, and in the end.

        Call it once before the work begins: speed and time left follow from those that are ``fresh`` (default: all),
        which were not done by an earlier run. ``about`` is what else is worth knowing.
        """
        now = self._begin(what)
        if self._quiet or not (self._drawn or now >= self._say_after or (self._say_after < math.inf and done == total)):
            return
        parts = [f"{failed} failed"] if failed else []
        fresh, elapsed = done if fresh is None else fresh, now - self._began
        if fresh and elapsed > 0:
            parts.append(f"{60 * fresh / elapsed:.0f} a minute")
            parts.append(f"{_duration((total - done) * elapsed / fresh)} left")
        parts += about
        if self._drawn:
            self._draw(what, done, total, " · ".join([f"{done}/{total}", *parts]))
        else:
            # All are done: nothing more to say.
            self._say_after = math.inf if done == total else now + _EVERY
            self._console.print(", ".join([f"{done} of {total} done", *parts]), soft_wrap=True)

    def judging(self, bank: Bank, question: Question, *, show_score: bool = True) -> OnVerdict:
        """Return what a judge tells its verdicts to: a terminal shows each criterion as soon as it is decided."""
        if not self._drawn:
            return lambda check, verdict: None
        criteria = {criterion.id: criterion for criterion in bank.rubric_of(question).criteria}
        width = max(cell_len(one_line(criterion.title)) for criterion in criteria.values())
        checks = bank.checks_of(question)
        shown_checks = [check for check in checks if check.criterion in criteria]
        known: dict[str, float | None] = {}

        def show() -> None:
            at_hand = next((criteria[c.criterion].title for c in shown_checks if c.id not in known), None)
            self._draw(at_hand or "Putting it together", len(known), len(checks), f"{len(known)}/{len(checks)}")

        def on_verdict(check: Check, verdict: CheckVerdict) -> None:
            if check.id in known:
                return
            known[check.id] = verdict.probability
            show()
            own = [item for item in checks if item.criterion == check.criterion]
            if check.criterion in criteria and all(item.id in known for item in own):
                credit = criterion_credit(criteria[check.criterion], own, known)
                line = self._decided(criteria[check.criterion], credit, width, show_score)
                self._progress.console.print(line, soft_wrap=True)

        self._begin(on_verdict)
        show()
        return on_verdict

    def _begin(self, subject: object) -> float:
        """Begin to show another subject, unless it is the same; returns the time."""
        now = self._clock()
        if subject != self._subject:
            self._subject, self._began, self._say_after = subject, now, now + _EVERY
            if self._task is not None:
                self._progress.remove_task(self._task)
                self._task = None
        return now

    def _draw(self, what: str, done: int, total: int | None, about: str) -> None:
        if self._task is None:
            self._task = self._progress.add_task(one_line(what), total=total, completed=done, about=about)
            self._progress.start()
        else:
            self._progress.update(self._task, description=one_line(what), completed=done, total=total, about=about)

    def _decided(self, criterion: Criterion, credit: float | None, width: int, show_score: bool) -> Text:
        title = Text(one_line(criterion.title), "bold")
        title.pad_right(width - title.cell_len)
        if credit is None:
            return Text.assemble("  ", title, "  ", NOT_JUDGED)
        level = Text(one_line(criterion.levels[level_of(credit)].title), "bold cyan")
        filled = round(credit * self._cells)
        full, empty = "━─" if self._unicode else "#-"
        bar = [Text(full * filled, "cyan"), Text(empty * (self._cells - filled), "dim"), Text("  ")]
        return Text.assemble("  ", title, "  ", *(bar if show_score else []), level)


def _duration(seconds: float) -> str:
    """Return a time as people say it, such as ``2 h 05 min`` or ``40 s``."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
