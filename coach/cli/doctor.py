"""``coach doctor``: what is configured, what is reachable, and one exemplar graded end to end."""

from __future__ import annotations

import typer

from coach.cli.console import out_console
from coach.cli.options import BankOption, JsonOption, MethodOption, ModelOption, QuietOption


def doctor_command(
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what is configured and reachable, and grade two examples."""
    import asyncio

    from coach.cli.checkup import check_up, checkup_page
    from coach.cli.progress import Display
    from coach.submit.open import Settings

    with Display(quiet or as_json) as display:
        display.step("Looking at the question bank")
        report = asyncio.run(check_up(Settings(model, bank, method), display.step))
    if as_json:
        typer.echo(report.model_dump_json(indent=2, by_alias=True))
    else:
        out_console().print(checkup_page(report))
    if report.exit_code:
        raise typer.Exit(report.exit_code)
