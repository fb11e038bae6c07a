"""Words for people on the standard streams, and Ctrl-C."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import typer

from coach.errors import CoachError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130
_HANDLER = "coach.escape"


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
    from coach.report.display_text import lines

    say(f"error: {lines(error.message)}")
    if error.hint:
        say(f"hint: {lines(error.hint)}")


def never_fail_to_encode() -> None:
    """Let standard output and error escape what their encoding lacks, in a way that keeps JSON valid."""
    codecs.register_error(_HANDLER, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Return the characters as JSON writes them; outside JSON, too, they say more than question marks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


@contextmanager
def on_first_interrupt(on_first: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C call ``on_first``; the second cancels the task, which raises KeyboardInterrupt then.

    Where the event loop takes no signal handlers (Windows), Ctrl-C raises KeyboardInterrupt at once.
    """
    import asyncio
    import signal

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    interrupts = 0

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            on_first()
        elif task:
            task.cancel()

    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    except asyncio.CancelledError:
        if interrupts > 1:
            raise KeyboardInterrupt from None
        raise
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
