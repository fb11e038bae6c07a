"""The ``coach`` program: registers the commands; heavy modules load only when a command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from coach.cli.batch import batch_app
from coach.cli.calibrate import calibrate_command
from coach.cli.compare import compare_command
from coach.cli.console import INTERRUPTED, never_fail_to_encode, print_error, say
from coach.cli.doctor import doctor_command
from coach.cli.history import history_app
from coach.cli.next import next_command
from coach.cli.questions import questions_command
from coach.cli.submit import submit_command
from coach.cli.web import web_command
from coach.errors import CoachError

app = typer.Typer(
    name="coach",
    help="Honest, private feedback on interview answers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from coach.version import version

        typer.echo(f"coach {version()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Honest, private feedback on interview answers."""


app.command("questions")(questions_command)
app.command("submit")(submit_command)
app.add_typer(batch_app, name="batch")
app.command("compare")(compare_command)
app.add_typer(history_app, name="history")
app.command("next")(next_command)
app.command("web")(web_command)
app.command("calibrate")(calibrate_command)
app.command("doctor")(doctor_command)


def main() -> None:
    """Run the program and exit with its code: errors meant for people are two lines."""
    never_fail_to_encode()
    try:
        app()
    except CoachError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            say("Interrupted.")
        raise
    except BrokenPipeError:
        # The reader went away (for example `| head`); nothing more can be said to it.
        sys.stderr.close()
        sys.exit(0)
