"""``coach batch``: grade many answers, and build the reports of a batch anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from coach.cli.batch_jobs import (
    DISCOUNT,
    OPENAI_BATCH,
    collect_command,
    job_method,
    status_command,
    submit_command,
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
    from coach.batch.batch_run import BatchRun
    from coach.batch.batch_summary import BatchSummary
    from coach.cli.batch_run import BatchSettings

EXIT_SOME_FAILED = 3
_GRADE = "grade"


class _GradeByDefault(TyperGroup):
    """A group in which ``coach batch INPUT...`` means ``coach batch grade INPUT...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_GRADE, *args]
        return super().parse_args(ctx, args)


def grade_command(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="JSONL, CSV, TSV, XLSX, folders, patterns; - for JSON lines."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where results and reports go; go on there.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and what it costs.")] = False,
    price_model: Annotated[
        list[str] | None,
        typer.Option("--price-model", metavar="NAME", help="With --dry-run: price this OpenAI model too; repeatable."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, metavar="USD", help="Stop before this run costs more.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option("--max-rows", min=1, help="Grade at most so many rows now.")] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=1000, help="Rows at the same time; else found by itself."),
    ] = None,
    jobs: Annotated[
        str | None, typer.Option("--jobs", metavar="openai-batch", help="Send jobs to the provider's Batch API.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Start over; the old journal is kept aside.")] = False,
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
    if jobs is not None and jobs != OPENAI_BATCH:
        raise InputError(f"unknown kind of jobs {jobs!r}", f"The only one is: {OPENAI_BATCH}.")
    if jobs is not None and not dry_run:
        submit_command(inputs, out, max_cost, max_rows, restart, model, bank, method, calibration, as_json, quiet)
        return
    from coach.bank.load import load_bank
    from coach.batch.batch_text import source_lines
    from coach.batch.inputs.inputs import open_inputs
    from coach.cli.batch_run import BatchSettings, Limits, grade
    from coach.submit.open import Settings

    settings = Settings(model, bank, job_method(method) if jobs else method)
    settings.check()
    loaded = load_bank(bank)
    opened = open_inputs(inputs, loaded)
    if not quiet:
        for line in source_lines(opened.matches):
            say(line)
    limits = Limits(max_cost, max_rows, concurrency)
    say_when_ignored(settings, concurrency, "--concurrency", quiet)
    job = BatchSettings(settings, loaded, opened, out, limits, calibration, quiet, restart)
    if dry_run:
        _show_plan(job, price_model or [], as_json, DISCOUNT if jobs else 1.0)
        return
    run, summary = grade(job)
    if as_json:
        typer.echo(summary.to_json())
    if not quiet:
        _say_ending(run, summary, out)
    _exit(run, summary)


def report_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The directory given as --out.")],
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build the reports of a batch anew. Nothing is judged: all is in its journal."""
    from coach.bank.load import load_bank
    from coach.batch.batch_rows import ROWS_NAME
    from coach.batch.journal import Journal
    from coach.cli.batch_outputs import PAGE, write_outputs

    with Journal.read(directory) as journal:
        complete = (directory / ROWS_NAME).is_file()
        summary = write_outputs(directory, journal, load_bank(bank), complete=complete)
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


def _show_plan(job: BatchSettings, others: list[str], as_json: bool, discount: float) -> None:
    from coach.batch.batch_text import plan_lines
    from coach.cli.batch_dry_run import plan_run
    from coach.cli.batch_run import calibration_of

    calibration_hash, _ = calibration_of(job.calibration_name)
    plan = plan_run(job.settings, job.bank, job.inputs, job.out, calibration_hash, others, discount)
    if as_json:
        typer.echo(plan.model_dump_json(by_alias=True, indent=2))
        return
    for line in plan_lines(plan):
        typer.echo(line)


def _say_ending(run: BatchRun, summary: BatchSummary, out: Path) -> None:
    from coach.batch.batch_text import ending_lines, problem_lines

    for line in problem_lines(run.problems, run.tally.unreadable):
        say(line)
    for line in ending_lines(run, summary, str(out)):
        say(line)


def _exit(run: BatchRun, summary: BatchSummary) -> None:
    from coach.batch.batch_run import Ending

    if run.ending is Ending.MODEL and run.error is not None:
        go_on = "Everything up to here is kept; run the same command again to go on."
        raise type(run.error)(run.error.message, f"{run.error.hint} {go_on}".strip())
    if run.ending is Ending.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if summary.failed or summary.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)
