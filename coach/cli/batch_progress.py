"""What a person sees while a batch runs: a bar on a terminal, else at most one line a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coach.batch.batch_run import Tally
from coach.cli.console import say

if TYPE_CHECKING:
    from rich.console import Console

Tell = Callable[[Tally], None]
_EVERY = 1.0


class ProgressText:
    """Puts a tally into words; ``total`` is None when it is not known how many rows there are."""

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._began = clock()

    def parts(self, tally: Tally) -> list[str]:
        """Return what is worth saying, the most important first."""
        parts = [f"{tally.failed} failed"] if tally.failed else []
        fresh = tally.judged + tally.copied + tally.failed
        elapsed = self._clock() - self._began
        if fresh and elapsed > 0:
            parts.append(f"{60 * fresh / elapsed:.0f} a minute")
            if self._total is not None:
                parts.append(f"{duration((self._total - tally.done) * elapsed / fresh)} left")
        if tally.input_tokens or tally.output_tokens:
            parts.append(f"{tally.input_tokens + tally.output_tokens:,} tokens")
        if tally.cost_usd:
            parts.append(f"${tally.cost_usd:.4f}")
        return parts

    def line(self, tally: Tally) -> str:
        """Return everything in one line."""
        total = "" if self._total is None else f" of {self._total}"
        return ", ".join([f"{tally.done}{total} done", *self.parts(tally)])


def duration(seconds: float) -> str:
    """Return a time as people say it, such as ``2 h 05 min`` or ``40 s``."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def batch_progress(console: Console, total: int | None, quiet: bool) -> Iterator[Tell]:
    """Yield a callback for the run; it shows a bar, lines, or with ``quiet`` nothing."""
    if quiet:
        yield lambda tally: None
    elif console.is_terminal:
        with _bar(console, total) as tell:
            yield tell
    else:
        yield _lines(ProgressText(total))


def _lines(text: ProgressText, clock: Callable[[], float] = time.monotonic) -> Tell:
    last = clock()
    said = ""

    def tell(tally: Tally) -> None:
        nonlocal last, said
        if clock() - last >= _EVERY and (line := text.line(tally)) != said:
            last, said = clock(), line
            say(line)

    return tell


@contextmanager
def _bar(console: Console, total: int | None) -> Iterator[Tell]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    text = ProgressText(total)
    columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[about]}"))
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        bar = progress.add_task("", total=total, about="")

        def tell(tally: Tally) -> None:
            progress.update(bar, completed=tally.done, about=" · ".join(text.parts(tally)))

        yield tell
