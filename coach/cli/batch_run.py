"""One run of ``coach batch``: opening everything, grading, and writing the reports."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from coach.cli.console import on_first_interrupt, say

if TYPE_CHECKING:
    from coach.bank.questions import Bank
    from coach.batch.costs import BatchPlan
    from coach.batch.grade import BatchRun, Calibrate, Tally
    from coach.batch.inputs.inputs import BatchInput
    from coach.batch.store import Store
    from coach.batch.summary import BatchSummary
    from coach.submit.open import Settings


@dataclass(frozen=True)
class BatchSettings:
    """Everything about a run that the command line says."""

    settings: Settings
    bank: Bank
    inputs: BatchInput
    out: Path
    calibration: str | None = None
    max_cost: float | None = None
    max_rows: int | None = None
    concurrency: int | None = None
    quiet: bool = False


async def run_batch(job: BatchSettings, store: Store) -> tuple[BatchRun, BatchSummary]:
    """Grade the rows that are not finished and write all reports; raises CoachError and KeyboardInterrupt."""
    from coach.batch.costs import RunSpeed, budget_for
    from coach.batch.grade import Grader
    from coach.batch.outputs import write_outputs
    from coach.batch.rows import RowKeys
    from coach.batch.workers import MIN_ROWS, prepare_ahead, usable_processes
    from coach.cli.progress import Display
    from coach.submit.open import open_session

    calibration_hash, calibrate = calibration_of(job.calibration)
    async with AsyncExitStack() as stack:
        display = stack.enter_context(Display(job.quiet))
        session = await stack.enter_async_context(
            open_session(job.settings, job.bank, many=True, concurrency=job.concurrency, on_progress=display.step)
        )
        assessor, judge = session.assessor, session.assessor.judge
        budget = budget_for(job.max_cost, assessor)
        store.take_in(job.inputs, RowKeys(job.bank, judge, calibration_hash).of)
        counts, processes = store.counts(), usable_processes()
        # Beside the embedded model no processor is left; what is embedded elsewhere would be embedded here again.
        alone = session.choice.embedded or assessor.detect_instructions is not None or counts.to_judge < MIN_ROWS

        def tell(tally: Tally) -> None:
            tokens, cost = tally.input_tokens + tally.output_tokens, tally.cost_usd
            about = [*([f"{tokens:,} tokens"] if tokens else []), *([f"${cost:.4f}"] if cost else [])]
            fresh = tally.done - tally.reused
            display.count("Grading", tally.done, tally.rows, fresh=fresh, failed=tally.failed, about=about)

        grader = Grader(
            assessor,
            store,
            session.limit,
            max_rows=job.max_rows,
            budget=budget,
            calibrate=calibrate,
            prepare_ahead=None if alone or not processes else partial(prepare_ahead, assessor, processes),
            on_progress=tell,
        )

        def finish_first() -> None:
            grader.stop()
            say(f"Finishing the {grader.in_flight} answers in flight; Ctrl-C again stops at once.")

        with on_first_interrupt(finish_first):
            run = await grader.run()
        tally = run.tally
        if tally.judged and run.seconds > 0:
            per_row = tally.output_tokens / tally.judged if tally.output_tokens else None
            per_minute = 60 * tally.judged / run.seconds
            RunSpeed(
                judge=judge.name, model=judge.model, endpoint=judge.endpoint, rows=tally.judged,
                rows_per_minute=per_minute, output_tokens_per_row=per_row,
            ).keep(store)  # fmt: skip
    return run, write_outputs(store, job.bank)


def plan_batch(job: BatchSettings, others: list[str], jobs: bool) -> BatchPlan:
    """Return what a run would do; sends and writes nothing. Raises CoachError."""
    from coach.batch.costs import plan_of
    from coach.batch.rows import RowKeys
    from coach.batch.store import Store
    from coach.submit.open import unopened_session

    session = unopened_session(job.settings, job.bank)
    with Store.preview(job.out) as store:
        keys = RowKeys(job.bank, session.assessor.judge, calibration_of(job.calibration)[0])
        store.take_in(job.inputs, keys.of)
        return plan_of(
            store,
            session.assessor,
            job.inputs.matches,
            empty_cells=job.inputs.empty_cells,
            method_assumed=session.method_assumed,
            others=others,
            jobs=jobs,
        )


def calibration_of(name: str | None) -> tuple[str, Calibrate | None]:
    """Return the hash of a named calibration and what applies it; raises InputError when there is none."""
    if name is None:
        return "", None
    from coach.calibrate.mapping import apply_calibration, load_calibration
    from coach.submit.key import canonical_sha256

    calibration = load_calibration(name)
    digest = canonical_sha256(calibration.model_dump(mode="json"))
    return digest, lambda assessment: apply_calibration(assessment, calibration)
