"""What is shown while a model is prepared: something on a terminal, a line in a log, nothing when quiet."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from rich.console import Console

from coach.cli.live_progress import download_progress, preparing
from coach.submit.open import OnProgress

Display = Callable[..., AbstractContextManager[OnProgress]]


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    """Return a console and what it writes to."""
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=80, _environ={"TERM": "xterm"}), out


def test_nothing_is_drawn_before_there_is_something_to_wait_for() -> None:
    """The bar leaves the screen to other displays until it is needed, and after it is done."""
    screen, out = console(terminal=True)
    with download_progress(screen, quiet=False) as report:
        assert out.getvalue() == ""
        report("Preparing the model", 0, 100)
        report("Preparing the model", 100, 100)
        done = out.getvalue()
        assert "Preparing the model" in done
        report("Preparing the model", 100, 100)
    assert out.getvalue() == done


def test_a_terminal_shows_what_goes_on_and_how_much_is_done() -> None:
    """From the first moment, and the step with its share as soon as that is known."""
    screen, out = console(terminal=True)
    with preparing(screen, quiet=False):
        pass
    assert "Getting the model ready" in out.getvalue()

    with preparing(screen, quiet=False, what="Looking at the bank") as report:
        report("Preparing the model", 43, 100)
    assert "Preparing the model: 43%" in out.getvalue()


@pytest.mark.parametrize("display", [download_progress, preparing])
def test_a_log_gets_one_line(display: Display) -> None:
    """Where no bar can be drawn, what takes long is told once."""
    log, out = console(terminal=False)
    with display(log, quiet=False) as report:
        for done in range(0, 101, 10):
            report("Preparing the model", done, 100)

    assert out.getvalue() == "Preparing the model ...\n"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("display", [download_progress, preparing])
def test_quiet_is_quiet(display: Display, terminal: bool) -> None:
    """Nothing at all is written."""
    screen, out = console(terminal=terminal)
    with display(screen, quiet=True) as report:
        report("Preparing the model", 0, 100)
        report("Preparing the model", 100, 100)

    assert out.getvalue() == ""
