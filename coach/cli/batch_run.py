"""One run of ``coach batch``: opening everything, grading, and writing the reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coach.cli.console import err_console, say

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.batch.batch_run import BatchRun
    from coach.batch.batch_summary import BatchSummary
    from coach.batch.cost_budget import CostBudget
    from coach.batch.inputs.inputs import BatchInput
    from coach.batch.journal import Journal
    from coach.batch.rows import AnswerRow
    from coach.judge.judging import Judge
    from coach.submit.assess import AnswerAssessor
    from coach.submit.assessment import Assessment
    from coach.submit.open import Settings


@dataclass(frozen=True)
class Limits:
    """What a run may use."""

    max_cost: float | None = None
    max_rows: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True)
class BatchSettings:
    """Everything about a run that the command line says."""

    settings: Settings
    bank: Bank
    inputs: BatchInput
    out: Path
    limits: Limits
    calibration_name: str | None
    quiet: bool
    restart: bool


def grade(job: BatchSettings) -> tuple[BatchRun, BatchSummary]:
    """Grade the rows that are not finished and write all reports; raises CoachError and KeyboardInterrupt."""
    from coach.batch.journal import Journal

    with Journal.open(job.out, restart=job.restart) as journal:
        if journal.damaged and not job.quiet:
            say(f"warning: {journal.damaged} lines of the journal are damaged; their rows are graded again")
        try:
            return asyncio.run(_run(job, journal))
        except KeyboardInterrupt:
            say("Stopped. What was finished is kept: the same command goes on from here.")
            raise


async def _run(job: BatchSettings, journal: Journal) -> tuple[BatchRun, BatchSummary]:
    from coach.batch.batch_rows import RowsWriter
    from coach.batch.batch_run import Ending
    from coach.batch.garbage import collecting_seldom
    from coach.batch.grade import BatchGrader
    from coach.batch.options import BatchOptions
    from coach.batch.row_grouping import grouped
    from coach.batch.same_answers import SameAnswers
    from coach.batch.unreadable_rows import UnreadableRows
    from coach.cli.batch_outputs import write_outputs
    from coach.cli.batch_progress import batch_progress
    from coach.cli.batch_session import make_workers
    from coach.cli.console import run_until_interrupted
    from coach.cli.progress import Display
    from coach.submit.open import open_session

    calibration_hash, calibrate = calibration_of(job.calibration_name)
    total = _count_rows(job)
    console = err_console()
    async with AsyncExitStack() as stack:
        with Display(job.quiet, console) as display:
            opened = open_session(
                job.settings, job.bank, many=True, concurrency=job.limits.concurrency, on_progress=display.step
            )
            session = await stack.enter_async_context(opened)
        assessor = session.assessor
        workers = stack.enter_context(make_workers(assessor, embedded=session.choice.embedded))
        budget, most = _budget(job.limits.max_cost, assessor)
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
            prepare=workers.prepare,
            on_row=lambda row: rows.add(row.row_id),
            on_problem=unreadable.add,
            on_progress=stack.enter_context(batch_progress(console, total, job.quiet)),
        )
        grader = BatchGrader(assessor, journal, same, options)

        def first_interrupt() -> None:
            grader.stop()
            say(f"Finishing the {grader.in_flight} answers in flight; Ctrl-C again stops at once.")

        with collecting_seldom():
            run = await run_until_interrupted(grader.run(grouped(job.inputs.rows())), first_interrupt)
        if run.ending is Ending.COMPLETE:
            rows.keep()
        _save_speed(job.out, run, assessor.judge)
    journal.sync()
    return run, write_outputs(job.out, journal, job.bank, complete=run.ending is Ending.COMPLETE)


def _count_rows(job: BatchSettings) -> int | None:
    """Return the number of rows for the progress; None when they can be read only once, or nobody looks."""
    if job.quiet or not job.inputs.repeatable:
        return None
    for _ in job.inputs.rows():
        pass
    return job.inputs.counts.rows


def calibration_of(name: str | None) -> tuple[str, Callable[[Assessment], Assessment] | None]:
    """Return the hash of a named calibration and what applies it; raises InputError when there is none."""
    if name is None:
        return "", None
    from coach.calibrate.mapping import apply_calibration, load_calibration
    from coach.submit.key import canonical_sha256

    calibration = load_calibration(name)
    digest = canonical_sha256(calibration.model_dump(mode="json"))
    return digest, lambda assessment: apply_calibration(assessment, calibration)


def _budget(
    max_cost: float | None, assessor: AnswerAssessor
) -> tuple[CostBudget | None, Callable[[AnswerRow, Question], float] | None]:
    if max_cost is None:
        return None, None
    from coach.batch.cost_budget import CostBudget
    from coach.cli.batch_budget import most_of_rows

    return CostBudget(max_cost), most_of_rows(assessor, assessor.judge)


def _save_speed(out: Path, run: BatchRun, judge: Judge) -> None:
    from coach.batch.run_speed import RunSpeed, save_speed

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
