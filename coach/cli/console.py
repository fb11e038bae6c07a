"""The one place that prints: words for people, errors, and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from coach.errors import CoachError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130


def out_console() -> Console:
    """Return a console on standard output."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def err_console() -> Console:
    """Return a console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line for people on standard error."""
    typer.echo(text, err=True)


def print_error(error: CoachError) -> None:
    """Print what happened and the next step on standard error."""
    say(f"error: {_printable(error.message)}")
    if error.hint:
        say(f"hint: {_printable(error.hint)}")


def _printable(text: str) -> str:
    from coach.report.display_text import lines

    return lines(text)


def run_guarded(command: Callable[[], Any]) -> int:
    """Run the program; turn errors meant for people into two lines and the right exit code."""
    try:
        command()
    except CoachError as error:
        print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (for example `| head`); nothing more can be said to it.
        sys.stderr.close()
        return 0
    return 0
