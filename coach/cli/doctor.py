"""``coach doctor``: what is configured, what is reachable, and one exemplar graded end to end."""

from __future__ import annotations

import typer

from coach.cli.console import err_console, out_console
from coach.cli.event_loop import run_to_end
from coach.cli.options import BankOption, JsonOption, MethodOption, ModelOption, QuietOption


def doctor_command(
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what is configured and reachable, and grade two examples."""
    from coach.cli.checkup import check_up
    from coach.cli.live_progress import preparing
    from coach.submit.open import Settings

    with preparing(err_console(), quiet or as_json, "Looking at the question bank") as tell:
        report = run_to_end(check_up(Settings(model, bank, method), tell))
    if as_json:
        typer.echo(report.model_dump_json(indent=2, by_alias=True))
    else:
        from coach.cli.checkup_text import checkup_page

        out_console().print(checkup_page(report))
    if report.exit_code:
        raise typer.Exit(report.exit_code)
