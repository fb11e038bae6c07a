"""Tests of coach.cli.batch_progress."""

from __future__ import annotations

import pytest
from rich.console import Console

from coach.batch.batch_run import Tally
from coach.cli import batch_progress
from coach.cli.batch_progress import ProgressText, duration


def test_a_line_says_everything() -> None:
    """Done, failed, rate, time left, tokens and cost; what was reused does not count for the rate."""
    times = iter([0.0, 60.0])
    text = ProgressText(100, lambda: next(times))
    tally = Tally(rows=40, reused=10, judged=28, failed=2, input_tokens=9000, output_tokens=1000, cost_usd=0.5)

    assert text.line(tally) == "40 of 100 done, 2 failed, 30 a minute, 2 min left, 10,000 tokens, $0.5000"


def test_without_a_total_no_end_is_foretold() -> None:
    """Rows from standard input have no number."""
    times = iter([0.0, 60.0])

    assert ProgressText(None, lambda: next(times)).line(Tally(judged=5)) == "5 done, 5 a minute"


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (40, "40 s"), (600, "10 min"), (7500, "2 h 05 min")])
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == text


def test_lines_come_at_most_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """However fast rows are done, one second gives one line."""
    now = 0.0
    tell = batch_progress._lines(ProgressText(10, lambda: 0.0), lambda: now)
    for step in range(40):
        now = step / 10
        tell(Tally(judged=step))

    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_terminal_gets_a_bar_and_quiet_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The bar is drawn on the console that was given; with quiet nothing is."""
    console = Console(force_terminal=True, width=100, record=True)
    with batch_progress.batch_progress(console, 10, quiet=False) as tell:
        tell(Tally(judged=4))
    with batch_progress.batch_progress(console, 10, quiet=True) as tell:
        tell(Tally(judged=4))

    assert "4/10" in console.export_text()
    assert capsys.readouterr().err == ""
