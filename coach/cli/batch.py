"""``coach batch``: grade many answers, and build the reports of a batch anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from coach.cli.batch_jobs import (
    EXIT_SOME_FAILED,
    OPENAI_BATCH,
    collect_command,
    job_method,
    send_jobs,
    status_command,
)
from coach.cli.console import INTERRUPTED, say
from coach.cli.options import (
    BankOption,
    CalibrationOption,
    JsonOption,
    MethodOption,
    ModelOption,
    QuietOption,
    say_when_ignored,
)
from coach.errors import InputError

if TYPE_CHECKING:
    from coach.batch.grade import BatchRun
    from coach.batch.store import Store
    from coach.batch.summary import BatchSummary

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


class _GradeByDefault(TyperGroup):
    """A group in which ``coach batch INPUT...`` means ``coach batch grade INPUT...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_GRADE, *args]
        return super().parse_args(ctx, args)


def grade_command(
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
        str | None, typer.Option("--jobs", metavar="openai-batch", help="Send jobs to the provider's Batch API.")
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
    from coach.bank.load import load_bank
    from coach.batch.inputs.inputs import open_inputs
    from coach.batch.store import Store
    from coach.batch.words import plan_lines, source_lines
    from coach.cli.batch_run import BatchSettings, plan_batch, run_batch
    from coach.submit.open import Settings

    settings = Settings(model, bank, job_method(model, method) if jobs else method)
    settings.check()
    loaded = load_bank(bank)
    opened = open_inputs(inputs, loaded)
    if not quiet:
        for line in source_lines(opened.matches):
            say(line)
    job = BatchSettings(settings, loaded, opened, out, calibration, max_cost, max_rows, concurrency, quiet)
    if dry_run:
        plan = plan_batch(job, price_model or [], jobs=jobs is not None)
        for line in [plan.to_json()] if as_json else plan_lines(plan):
            typer.echo(line)
        return
    if jobs is not None:
        send_jobs(job, restart, as_json)
        return
    import asyncio

    say_when_ignored(settings, concurrency, "--concurrency", quiet)
    with Store.open(out, restart=restart) as store:
        if store.damaged and not quiet:
            say(f"warning: {store.damaged} lines of the old journal are damaged; their rows are graded again")
        try:
            run, summary = asyncio.run(run_batch(job, store))
        except KeyboardInterrupt:
            say("Stopped. What was finished is kept: the same command goes on from here.")
            raise
        if as_json:
            typer.echo(summary.to_json())
        _end(run, summary, store, quiet)


def _end(run: BatchRun, summary: BatchSummary, store: Store, quiet: bool) -> None:
    """Say how a run has ended and raise what its exit code asks for."""
    from coach.batch.grade import Ending
    from coach.batch.words import ending_lines, problem_lines

    if not quiet:
        for line in problem_lines(store.problems(), run.tally.unreadable):
            say(line)
        for line in ending_lines(run, summary, store.directory):
            say(line)
    if run.ending is Ending.MODEL and run.error is not None:
        go_on = "Everything up to here is kept; run the same command again to go on."
        raise type(run.error)(run.error.message, f"{run.error.hint} {go_on}".strip())
    if run.ending is Ending.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if summary.failed or summary.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def submit_command(
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
    grade_command(
        inputs, out, dry_run, None, max_cost, max_rows, None, OPENAI_BATCH, restart, model, bank, method, calibration,
        as_json, quiet,
    )  # fmt: skip


def report_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The directory given as --out.")],
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build the reports of a batch anew. Nothing is judged: all is in its results."""
    from coach.bank.load import load_bank
    from coach.batch.outputs import PAGE, write_outputs
    from coach.batch.store import Store

    with Store.read(directory) as store:
        summary = write_outputs(store, load_bank(bank))
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        say(f"{summary.rows} rows, {summary.failed} failed. Report: {directory / PAGE}")


#: Registered by the program with ``app.add_typer(batch_app, name="batch")``.
batch_app = typer.Typer(
    cls=_GradeByDefault,
    help="Grade many answers from files; without a command: grade.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
batch_app.command(_GRADE)(grade_command)
batch_app.command("report")(report_command)
batch_app.command("submit")(submit_command)
batch_app.command("status")(status_command)
batch_app.command("collect")(collect_command)
