"""What the commands of ``coach batch`` do: opening everything, grading, jobs, and what is said of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coach.bank.load import load_bank
from coach.batch.costs import RunSpeed, budget_for, half_price, plan_of
from coach.batch.grade import BatchRun, Ending, Grader, Tally
from coach.batch.inputs.inputs import open_inputs
from coach.batch.jobs import (
    ENDED,
    Collected,
    Written,
    batch_api,
    collect_job,
    look_after,
    start_jobs,
    write_jobs,
)
from coach.batch.outputs import PAGE, write_outputs
from coach.batch.rows import BatchJob, JobList, RowKeys
from coach.batch.store import Store
from coach.batch.summary import BatchSummary
from coach.batch.words import collected_lines, ending_lines, plan_lines, problem_lines, sent_lines, source_lines
from coach.batch.workers import MIN_ROWS, prepare_ahead, usable_processes
from coach.cli.console import INTERRUPTED, on_first_interrupt, say
from coach.cli.options import calibration_of, say_when_ignored
from coach.cli.progress import Display
from coach.errors import ConfigurationError, InputError
from coach.judge.judging import Judge
from coach.model.choose import ModelChoice, choose_model, parse_address
from coach.model.openai_client import OpenAIChatModel, detect_capabilities
from coach.submit.open import Settings, make_assessor, open_session, unopened_session

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch as ProviderBatch

_SOME_FAILED = 3


@dataclass
class Batch:
    """What is to be done with these inputs. Opening them says what was recognised; raises CoachError."""

    settings: Settings
    given: list[str]
    out: Path
    calibration: str | None
    max_cost: float | None
    max_rows: int | None
    concurrency: int | None
    as_json: bool
    quiet: bool

    def __post_init__(self) -> None:
        """Open what the options name, before anything is made or asked."""
        self.settings.check()
        self.settings.choose_model()
        self.calibration_sha256, self.calibrate = calibration_of(self.calibration)
        self.bank = load_bank(self.settings.bank)
        self.inputs = open_inputs(self.given, self.bank)
        if not self.quiet:
            for line in source_lines(self.inputs.matches):
                say(line)

    def _take_in(self, store: Store, judge: Judge) -> None:
        store.take_in(self.inputs, RowKeys(self.bank, judge, self.calibration_sha256).of)

    def say_plan(self, others: list[str], jobs: bool) -> None:
        """Say what a run would do, and what it costs with other models too; sends and writes nothing."""
        session = unopened_session(self.settings, self.bank)
        assessor = half_price(session.assessor) if jobs else session.assessor
        with Store.preview(self.out) as store:
            self._take_in(store, assessor.judge)
            plan = plan_of(
                store,
                assessor,
                self.inputs.matches,
                empty_cells=self.inputs.empty_cells,
                method_assumed=session.method_assumed,
                others=others,
                jobs=jobs,
            )
        for line in [plan.to_json()] if self.as_json else plan_lines(plan):
            typer.echo(line)

    def grade(self, restart: bool) -> None:
        """Grade what is not finished and write all reports; raises CoachError, KeyboardInterrupt and Exit."""
        say_when_ignored(self.settings, self.concurrency, "--concurrency", self.quiet)
        with Store.open(self.out, restart=restart) as store:
            if store.damaged and not self.quiet:
                say(f"warning: {store.damaged} lines of the old journal are damaged; their rows are graded again")
            try:
                run = asyncio.run(self._run(store))
                summary = write_outputs(store, self.bank)
            except KeyboardInterrupt:
                say("Stopped. What was finished is kept: the same command goes on from here.")
                raise
            if self.as_json:
                typer.echo(summary.to_json())
            if not self.quiet:
                for line in problem_lines(store.problems(), run.tally.unreadable):
                    say(line)
                for line in ending_lines(run, summary, self.out):
                    say(line)
        if run.ending is Ending.MODEL and run.error is not None:
            go_on = "Everything up to here is kept; run the same command again to go on."
            raise type(run.error)(run.error.message, f"{run.error.hint} {go_on}".strip())
        if run.ending is Ending.INTERRUPTED:
            raise typer.Exit(INTERRUPTED)
        _exit_if_incomplete(summary)

    async def _run(self, store: Store) -> BatchRun:
        async with AsyncExitStack() as stack:
            display = stack.enter_context(Display(self.quiet))
            session = await stack.enter_async_context(
                open_session(
                    self.settings, self.bank, many=True, concurrency=self.concurrency, on_progress=display.step
                )
            )
            assessor, judge = session.assessor, session.assessor.judge
            budget = budget_for(self.max_cost, assessor)
            self._take_in(store, judge)
            processes = usable_processes()
            # Beside the embedded model no processor is left; what is embedded elsewhere would be embedded here again.
            busy = session.choice.embedded or assessor.detect_instructions is not None
            alone = busy or not processes or store.counts().to_judge < MIN_ROWS

            def tell(tally: Tally) -> None:
                tokens, cost = tally.input_tokens + tally.output_tokens, tally.cost_usd
                about = [*([f"{tokens:,} tokens"] if tokens else []), *([f"${cost:.4f}"] if cost else [])]
                fresh = tally.done - tally.reused
                display.count("Grading", tally.done, tally.rows, fresh=fresh, failed=tally.failed, about=about)

            grader = Grader(
                assessor,
                store,
                session.limit,
                max_rows=self.max_rows,
                budget=budget,
                calibrate=self.calibrate,
                prepare_ahead=None if alone else partial(prepare_ahead, assessor, processes),
                on_progress=tell,
            )

            def finish_first() -> None:
                grader.stop()
                say(f"Finishing the {grader.in_flight} answers in flight; Ctrl-C again stops at once.")

            with on_first_interrupt(finish_first):
                run = await grader.run()
        RunSpeed.keep(store, judge, run.tally.judged, run.seconds, run.tally.output_tokens)
        return run

    def send_jobs(self, restart: bool) -> None:
        """Send what is not graded yet as jobs; the same again goes on where it stopped. Raises CoachError and Exit."""
        choice = _endpoint(self.settings.model)
        if restart:
            with Store.preview(self.out) as old:
                if any(kept.open for kept in old.jobs()):
                    raise InputError(
                        f"{self.out}: jobs are waiting there",
                        f"First fetch their results: coach batch collect {self.out}",
                    )
        with Store.open(self.out, restart) as store:
            written, started = asyncio.run(self._send(choice, store))
            if self.as_json:
                typer.echo(JobList(jobs=store.jobs()).to_json())
        if not self.as_json and not self.quiet:
            for line in sent_lines(written, started, self.out):
                say(line)
        if written.before.unreadable:
            raise typer.Exit(_SOME_FAILED)

    async def _send(self, choice: ModelChoice, store: Store) -> tuple[Written, int]:
        async with OpenAIChatModel(choice.model, choice.base_url, choice.api_key) as model:
            # Two tiny requests find out which parameters the model takes: in a job each refusal would cost a row.
            await detect_capabilities(model)
            assessor = half_price(make_assessor(self.bank, model, "structured"))
            self._take_in(store, assessor.judge)
            written = await write_jobs(
                store,
                assessor,
                model.body,
                max_rows=self.max_rows,
                budget=budget_for(self.max_cost, assessor),
                calibration=self.calibration,
            )
        async with batch_api(choice.base_url, choice.api_key) as client:
            return written, await start_jobs(store, client, model.endpoint)


def job_method(model: str | None, method: str | None) -> str:
    """Return the method of jobs; raises ConfigurationError for another one, or a model that has no jobs."""
    _endpoint(model)
    if method not in (None, "structured"):
        raise ConfigurationError(f"jobs cannot use the method {method!r}", "Leave --method out, or leave --jobs out.")
    return "structured"


def build_reports(directory: Path, bank: Path | None, as_json: bool, quiet: bool) -> None:
    """Write all reports of a batch from its store."""
    with Store.read(directory) as store:
        summary = write_outputs(store, load_bank(bank))
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        say(f"{summary.rows} rows, {summary.failed} failed. Report: {directory / PAGE}")


def say_status(directory: Path, as_json: bool, quiet: bool) -> None:
    """Ask how far the jobs of a batch are, and say it."""
    with Store.open(directory, existing=True) as store:
        ended = asyncio.run(_ask_about_jobs(store))
        jobs = store.jobs()
    if as_json:
        typer.echo(JobList(jobs=jobs).to_json())
        return
    for job in jobs:
        counts = "" if job.completed is None else f", {job.completed} done, {job.failed or 0} failed"
        started = job.batch_id or "not started"
        typer.echo(f"job {job.number}: {job.status or job.state}, {job.requests} requests{counts} ({started})")
    if not quiet and ended:
        say(f"Ready: coach batch collect {directory}")


def collect_jobs(directory: Path, bank: Path | None, as_json: bool, quiet: bool) -> None:
    """Fetch the results of all jobs that have ended, and write the reports."""
    loaded, done = load_bank(bank), Collected()

    async def collect(job: BatchJob, batch: ProviderBatch, client: AsyncOpenAI) -> None:
        await collect_job(store, loaded, job, batch, client, calibration_of(job.calibration), done)

    with Store.open(directory, existing=True) as store:
        asyncio.run(_ask_about_jobs(store, collect))
        summary = write_outputs(store, loaded)
        waiting = sum(job.open for job in store.jobs())
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        for line in collected_lines(done, waiting, directory):
            say(line)
    _exit_if_incomplete(summary)


async def _ask_about_jobs(
    store: Store, on_ended: Callable[[BatchJob, ProviderBatch, AsyncOpenAI], Awaitable[None]] | None = None
) -> int:
    """Ask about each started job at its own endpoint, and return how many have ended.

    Today's key is sent nowhere but to today's address: jobs elsewhere are left, with a warning, or when there are no
    others with a ConfigurationError.
    """
    elsewhere: ConfigurationError | None = None
    asked = ended = 0
    for job in filter(lambda job: job.open, store.jobs()):
        choice = _endpoint(job.model)
        here = parse_address(choice.base_url).url
        if here != job.endpoint:
            elsewhere = ConfigurationError(
                f"job {job.number} is at {job.endpoint}, but the key and address set now are those of {here}",
                "Set OPENAI_BASE_URL and OPENAI_API_KEY to those that the job was sent with.",
            )
            continue
        async with batch_api(choice.base_url, choice.api_key) as client:
            batch = await look_after(job, store, client)
            asked += batch is not None
            if batch and batch.status in ENDED:
                ended += 1
                if on_ended:
                    await on_ended(job, batch, client)
    if elsewhere and not asked:
        raise elsewhere
    if elsewhere:
        say(f"warning: {elsewhere.message}. {elsewhere.hint}")
    return ended


def _endpoint(model: str | None) -> ModelChoice:
    choice = choose_model(model, os.environ)
    if choice.embedded:
        raise ConfigurationError("the embedded model has no batch API", "Leave --jobs out, or name another --model.")
    return choice


def _exit_if_incomplete(summary: BatchSummary) -> None:
    if summary.failed or summary.unreadable:
        raise typer.Exit(_SOME_FAILED)
