"""``coach batch``: grade many answers, now or by jobs, and build the reports of a batch anew.

What the commands do is in `coach.cli.batch_run`, which loads what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from coach.cli.options import (
    BankOption,
    CalibrationOption,
    JsonOption,
    MethodOption,
    ModelOption,
    QuietOption,
)
from coach.errors import InputError

OPENAI_BATCH = "openai-batch"
_GRADE = "grade"

_Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="JSONL, CSV, TSV, XLSX, folders, patterns; - for JSON lines.")
]
_Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where results and reports go; go on there.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done and what it costs.")]
_MaxCost = Annotated[
    float | None, typer.Option("--max-cost", min=0, metavar="USD", help="Stop before this run costs more.")
]
_MaxRows = Annotated[int | None, typer.Option("--max-rows", min=1, help="Take at most so many rows now.")]
_Restart = Annotated[bool, typer.Option("--restart", help="Start over; the old results are kept aside.")]
_Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The directory given as --out.")]


class _GradeByDefault(TyperGroup):
    """A group in which ``coach batch INPUT...`` means ``coach batch grade INPUT...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_GRADE, *args]
        return super().parse_args(ctx, args)


#: Registered by the program with ``app.add_typer(batch_app, name="batch")``.
batch_app = typer.Typer(
    cls=_GradeByDefault,
    help="Grade many answers from files; without a command: grade.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@batch_app.command(_GRADE)
def _grade(
    inputs: _Inputs,
    out: _Out,
    dry_run: _DryRun = False,
    price_model: Annotated[
        list[str] | None,
        typer.Option("--price-model", metavar="NAME", help="With --dry-run: price this OpenAI model too; repeatable."),
    ] = None,
    max_cost: _MaxCost = None,
    max_rows: _MaxRows = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=1000, help="Rows at the same time; else found by itself."),
    ] = None,
    jobs: Annotated[
        str | None, typer.Option("--jobs", metavar=OPENAI_BATCH, help="Send jobs to the provider's Batch API.")
    ] = None,
    restart: _Restart = False,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Grade many answers. The same command again goes on where it stopped.

    The word "grade" may be left out. With --jobs openai-batch the answers are not graded now but sent as jobs, at half
    the price and within a day: see `coach batch status DIR` and `coach batch collect DIR`.
    """
    if jobs not in (None, OPENAI_BATCH):
        raise InputError(f"unknown kind of jobs {jobs!r}", f"The only one is: {OPENAI_BATCH}.")
    from coach.cli.batch_run import Batch, job_method
    from coach.submit.open import Settings

    settings = Settings(model, bank, job_method(model, method) if jobs else method)
    batch = Batch(settings, inputs, out, calibration, max_cost, max_rows, concurrency, as_json, quiet)
    if dry_run:
        batch.say_plan(price_model or [], jobs=jobs is not None)
    elif jobs is not None:
        batch.send_jobs(restart)
    else:
        batch.grade(restart)


@batch_app.command("report")
def _report(
    directory: _Directory, bank: BankOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Build the reports of a batch anew. Nothing is judged: all is in its results."""
    from coach.cli.batch_run import build_reports

    build_reports(directory, bank, as_json, quiet)


@batch_app.command("submit")
def _submit(
    inputs: _Inputs,
    out: _Out,
    dry_run: _DryRun = False,
    max_cost: _MaxCost = None,
    max_rows: _MaxRows = None,
    restart: _Restart = False,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Send what is not graded yet as jobs to the provider's Batch API. Again: goes on where it stopped."""
    _grade(
        inputs, out, dry_run, None, max_cost, max_rows, None, OPENAI_BATCH, restart, model, bank, method, calibration,
        as_json, quiet,
    )  # fmt: skip


@batch_app.command("status")
def _status(directory: _Directory, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Ask the provider how far the jobs are."""
    from coach.cli.batch_run import say_status

    say_status(directory, as_json, quiet)


@batch_app.command("collect")
def _collect(
    directory: _Directory, bank: BankOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Fetch the results of jobs and write the reports.

    What failed or expired is sent again by `submit`.
    """
    from coach.cli.batch_run import collect_jobs

    collect_jobs(directory, bank, as_json, quiet)
