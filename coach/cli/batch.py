"""``coach batch``: grade many answers, and build the reports of a batch anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from coach.cli.console import INTERRUPTED, err_console, say
from coach.cli.options import BankOption, CalibrationOption, JsonOption, MethodOption, ModelOption, QuietOption
from coach.cli.session import Settings

if TYPE_CHECKING:
    from coach.cli.batch_session import BatchSession
    from coach.core.cost_budget import CostBudget
    from coach.edges.batch_inputs.inputs import BatchInput
    from coach.edges.journal import Journal
    from coach.models.assessment import Assessment
    from coach.models.bank import Bank, Question
    from coach.models.batch import AnswerRow
    from coach.models.batch_run import BatchRun
    from coach.models.batch_summary import BatchSummary
    from coach.models.judging import Judge

EXIT_SOME_FAILED = 3
_GRADE = "grade"


class _GradeByDefault(TyperGroup):
    """A group in which ``coach batch INPUT...`` means ``coach batch grade INPUT...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_GRADE, *args]
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class Limits:
    """What a run may use."""

    max_cost: float | None = None
    max_rows: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True)
class _Job:
    """Everything about a run that the command line says."""

    settings: Settings
    bank: Bank
    inputs: BatchInput
    out: Path
    limits: Limits
    calibration_name: str | None
    quiet: bool
    restart: bool


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
    restart: Annotated[bool, typer.Option("--restart", help="Start over; the old journal is kept aside.")] = False,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Grade many answers. The same command again goes on where it stopped.

    The word "grade" may be left out.
    """
    from coach.edges.bank_files import load_bank
    from coach.edges.batch_inputs.inputs import open_inputs
    from coach.reports.batch_text import source_lines

    settings = Settings(model, bank, method)
    settings.check()
    loaded = load_bank(bank)
    opened = open_inputs(inputs, loaded)
    if not quiet:
        for line in source_lines(opened.matches):
            say(line)
    limits = Limits(max_cost, max_rows, concurrency)
    job = _Job(settings, loaded, opened, out, limits, calibration, quiet, restart)
    if dry_run:
        _show_plan(job, price_model or [], as_json)
        return
    run, summary = _grade(job)
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
    """Build the reports of a batch anew from its journal; nothing is judged."""
    from coach.cli.batch_outputs import PAGE, write_outputs
    from coach.edges.bank_files import load_bank
    from coach.edges.batch_rows import ROWS_NAME
    from coach.edges.journal import Journal

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


def _show_plan(job: _Job, others: list[str], as_json: bool) -> None:
    from coach.cli.batch_dry_run import plan_run
    from coach.reports.batch_text import plan_lines

    calibration_hash, _ = _calibration(job.calibration_name)
    plan = plan_run(job.settings, job.bank, job.inputs, job.out, calibration_hash, others)
    if as_json:
        typer.echo(plan.model_dump_json(by_alias=True, indent=2))
        return
    for line in plan_lines(plan):
        typer.echo(line)


def _grade(job: _Job) -> tuple[BatchRun, BatchSummary]:
    from coach.edges.journal import Journal

    with Journal.open(job.out, restart=job.restart) as journal:
        if journal.damaged and not job.quiet:
            say(f"warning: {journal.damaged} lines of the journal are damaged; their rows are graded again")
        try:
            return asyncio.run(_run(job, journal))
        except KeyboardInterrupt:
            say("Stopped. What was finished is kept: the same command goes on from here.")
            raise


async def _run(job: _Job, journal: Journal) -> tuple[BatchRun, BatchSummary]:
    from coach.cli.batch_outputs import write_outputs
    from coach.cli.batch_progress import batch_progress
    from coach.cli.batch_session import open_batch_session
    from coach.cli.interrupts import run_until_interrupted
    from coach.cli.live_progress import download_progress
    from coach.core.row_grouping import grouped
    from coach.edges.batch_rows import RowsWriter
    from coach.edges.same_answers import SameAnswers
    from coach.edges.unreadable_rows import UnreadableRows
    from coach.models.batch_run import Ending
    from coach.usecases.batch import BatchGrader
    from coach.usecases.batch_options import BatchOptions

    calibration_hash, calibrate = _calibration(job.calibration_name)
    total = _count_rows(job)
    console = err_console()
    async with AsyncExitStack() as stack:
        with download_progress(console, job.quiet) as on_progress:
            opened = open_batch_session(job.settings, job.bank, job.limits.concurrency, on_progress)
            session = await stack.enter_async_context(opened)
        budget, most = _budget(job.limits.max_cost, session)
        rows, unreadable, same = RowsWriter(job.out), UnreadableRows(job.out), SameAnswers()
        for resource in (rows, unreadable, same):
            stack.callback(resource.close)
        options = BatchOptions(
            limit=session.limit,
            max_rows=job.limits.max_rows,
            budget=budget,
            most=most,
            calibrate=calibrate,
            calibration=calibration_hash,
            on_row=lambda row: rows.add(row.row_id),
            on_problem=unreadable.add,
            on_progress=stack.enter_context(batch_progress(console, total, job.quiet)),
        )
        grader = BatchGrader(session.assessor, journal, same, options)

        def first_interrupt() -> None:
            grader.stop()
            say(f"Finishing the {grader.in_flight} answers in flight; Ctrl-C again stops at once.")

        run = await run_until_interrupted(grader.run(grouped(job.inputs.rows())), first_interrupt)
        if run.ending is Ending.COMPLETE:
            rows.keep()
        _save_speed(job.out, run, session.judge)
    journal.sync()
    return run, write_outputs(job.out, journal, job.bank, complete=run.ending is Ending.COMPLETE)


def _count_rows(job: _Job) -> int | None:
    """Return the number of rows for the progress; None when they can be read only once, or nobody looks."""
    if job.quiet or not job.inputs.repeatable:
        return None
    for _ in job.inputs.rows():
        pass
    return job.inputs.counts.rows


def _calibration(name: str | None) -> tuple[str, Callable[[Assessment], Assessment] | None]:
    if name is None:
        return "", None
    from coach.core.result_key import canonical_sha256
    from coach.core.score_mapping import apply_calibration
    from coach.edges.calibration_files import load_calibration

    calibration = load_calibration(name)
    digest = canonical_sha256(calibration.model_dump(mode="json"))
    return digest, lambda assessment: apply_calibration(assessment, calibration)


def _budget(
    max_cost: float | None, session: BatchSession
) -> tuple[CostBudget | None, Callable[[AnswerRow, Question], float] | None]:
    if max_cost is None:
        return None, None
    from coach.cli.batch_budget import most_of_rows
    from coach.core.cost_budget import CostBudget

    return CostBudget(max_cost), most_of_rows(session.assessor, session.judge)


def _save_speed(out: Path, run: BatchRun, judge: Judge) -> None:
    from coach.edges.run_speed import RunSpeed, save_speed

    tally = run.tally
    if not tally.judged or run.seconds <= 0:
        return
    speed = RunSpeed(
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        rows=tally.judged,
        rows_per_minute=60 * tally.judged / run.seconds,
        output_tokens_per_row=tally.output_tokens / tally.judged if tally.output_tokens else None,
    )
    save_speed(out, speed)


def _say_ending(run: BatchRun, summary: BatchSummary, out: Path) -> None:
    from coach.reports.batch_text import ending_lines, problem_lines

    for line in problem_lines(run.problems, run.tally.unreadable):
        say(line)
    for line in ending_lines(run, summary, str(out)):
        say(line)


def _exit(run: BatchRun, summary: BatchSummary) -> None:
    from coach.models.batch_run import Ending

    if run.ending is Ending.MODEL and run.error is not None:
        go_on = "Everything up to here is kept; run the same command again to go on."
        raise type(run.error)(run.error.message, f"{run.error.hint} {go_on}".strip())
    if run.ending is Ending.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if summary.failed or summary.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)
