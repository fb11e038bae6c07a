"""``coach batch`` with ``--jobs``, ``status`` and ``collect``: grading by jobs at the provider's Batch API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import say
from coach.cli.options import BankOption, JsonOption, QuietOption
from coach.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from openai.types import Batch

    from coach.bank.questions import Bank
    from coach.batch.jobs import BatchApi, Collected, Written
    from coach.batch.rows import BatchJob
    from coach.batch.store import Store
    from coach.cli.batch_run import BatchSettings
    from coach.model.choose import ModelChoice

OPENAI_BATCH = "openai-batch"
EXIT_SOME_FAILED = 3

_DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The directory given as --out.")]


def send_jobs(job: BatchSettings, restart: bool, as_json: bool) -> None:
    """Send what is not graded yet as jobs; the same again goes on where it stopped. Raises CoachError and Exit."""
    import asyncio

    from coach.batch.grade import Ending
    from coach.batch.store import Store

    choice = _endpoint(job.settings.model)
    if restart:
        with Store.preview(job.out) as old:
            if any(kept.open for kept in old.jobs()):
                raise InputError(
                    f"{job.out}: jobs are waiting there", f"First fetch their results: coach batch collect {job.out}"
                )
    with Store.open(job.out, restart) as store:
        written, started = asyncio.run(_send(job, choice, store))
        if as_json:
            _print_jobs(store.jobs())
    if not as_json and not job.quiet:
        for line in _written_lines(written, started):
            say(line)
        if written.stopped is Ending.MAX_ROWS:
            say("Stopped after --max-rows. Run the same command again to send more.")
        elif written.stopped is Ending.MAX_COST:
            say("Stopped before --max-cost would be exceeded.")
        say(f"Later: coach batch status {job.out}, and coach batch collect {job.out}")
    if written.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def status_command(directory: _DirectoryArgument, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Ask the provider how far the jobs are."""
    import asyncio

    from coach.batch.store import Store

    Store.read(directory).close()
    with Store.open(directory) as store:
        ended = asyncio.run(_count_ended(store))
        jobs = store.jobs()
    if as_json:
        _print_jobs(jobs)
        return
    for job in jobs:
        typer.echo(_job_line(job))
    if not quiet and ended:
        say(f"Ready: coach batch collect {directory}")


def collect_command(
    directory: _DirectoryArgument,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fetch the results of jobs and write the reports.

    What failed or expired is sent again by `submit`.
    """
    import asyncio

    from coach.bank.load import load_bank
    from coach.batch.outputs import write_outputs
    from coach.batch.store import Store

    loaded = load_bank(bank)
    Store.read(directory).close()
    with Store.open(directory) as store:
        done = asyncio.run(_collect(loaded, store))
        summary = write_outputs(store, loaded)
        jobs = store.jobs()
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        for line in _collected_lines(done, jobs, directory):
            say(line)
    if summary.failed or summary.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def job_method(model: str | None, method: str | None) -> str:
    """Return the method of jobs; raises ConfigurationError for another one, or a model that has no jobs."""
    _endpoint(model)
    if method not in (None, "structured"):
        raise ConfigurationError(f"jobs cannot use the method {method!r}", "Leave --method out, or leave --jobs out.")
    return "structured"


def _endpoint(model: str | None) -> ModelChoice:
    from coach.model.choose import choose_model

    choice = choose_model(model, os.environ)
    if choice.embedded:
        raise ConfigurationError("the embedded model has no batch API", "Leave --jobs out, or name another --model.")
    return choice


async def _send(job: BatchSettings, choice: ModelChoice, store: Store) -> tuple[Written, int]:
    from coach.batch.costs import budget_for
    from coach.batch.jobs import BatchApi, bring_on_their_way, half_price, write_jobs
    from coach.batch.rows import RowKeys
    from coach.cli.batch_run import calibration_of
    from coach.model.openai_client import OpenAIChatModel, detect_capabilities
    from coach.submit.open import make_assessor

    async with OpenAIChatModel(choice.model, choice.base_url, choice.api_key) as model:
        # Two tiny requests find out which parameters the model takes: in a job each refusal would cost a row.
        await detect_capabilities(model)
        assessor = half_price(make_assessor(job.bank, model, "structured"))
        keys = RowKeys(job.bank, assessor.judge, calibration_of(job.calibration)[0])
        store.take_in(job.inputs, keys.of)
        written = await write_jobs(
            store,
            assessor,
            model.body,
            max_rows=job.max_rows,
            budget=budget_for(job.max_cost, assessor),
            calibration=job.calibration,
        )
    async with BatchApi(choice.base_url, choice.api_key) as api:
        return written, await bring_on_their_way(store, api)


async def _ask_about(store: Store) -> AsyncIterator[tuple[BatchJob, Batch, BatchApi]]:
    """Ask about each started job at its own endpoint, and yield it with what the provider says.

    Today's key is sent nowhere but to today's address: jobs elsewhere are left, with a warning, or when there are no
    others with a ConfigurationError.
    """
    from coach.batch.jobs import BatchApi, look_after
    from coach.model.choose import parse_address

    elsewhere: ConfigurationError | None = None
    asked = 0
    for job in store.jobs():
        if not job.open:
            continue
        choice = _endpoint(job.model)
        here = parse_address(choice.base_url).url
        if here != job.endpoint:
            elsewhere = ConfigurationError(
                f"job {job.number} is at {job.endpoint}, but the key and address set now are those of {here}",
                "Set OPENAI_BASE_URL and OPENAI_API_KEY to those that the job was sent with.",
            )
            continue
        async with BatchApi(choice.base_url, choice.api_key) as api:
            batch = await look_after(job, store, api)
            if batch:
                asked += 1
                yield job, batch, api
    if elsewhere and not asked:
        raise elsewhere
    if elsewhere:
        say(f"warning: {elsewhere.message}. {elsewhere.hint}")


async def _count_ended(store: Store) -> int:
    from coach.batch.jobs import ENDED

    return sum([batch.status in ENDED async for _, batch, _ in _ask_about(store)])


async def _collect(bank: Bank, store: Store) -> Collected:
    from coach.batch.jobs import ENDED, Collected, collect_job
    from coach.cli.batch_run import calibration_of

    done = Collected()
    async for job, batch, api in _ask_about(store):
        if batch.status in ENDED:
            await collect_job(store, bank, job, batch, api, calibration_of(job.calibration), done)
    return done


def _written_lines(written: Written, started: int) -> Iterable[str]:
    yield (
        f"{written.rows} rows: {written.sent} sent, {written.identical} identical, {written.reused} finished before, "
        f"{written.waiting} waiting in earlier jobs, {written.settled} settled without a request"
    )
    if written.unreadable:
        yield f"warning: {written.unreadable} rows cannot be read (see unreadable.jsonl)"
    yield f"{started} job{'' if started == 1 else 's'} started."


def _collected_lines(done: Collected, jobs: list[BatchJob], directory: Path) -> Iterable[str]:
    yield f"{done.judged} judged, {done.copied} identical, {done.failed} failed"
    if done.outdated:
        yield f"{done.outdated} left out: their question, rubric or prompt has changed; submit sends them again."
    waiting = sum(job.open for job in jobs)
    if waiting:
        yield f"{waiting} jobs are not ready: collect again later."
    if done.failed:
        yield "Submit the same inputs again to send the failed rows once more."
    yield f"Reports: {directory}/report.html, results.xlsx, results.csv, results.jsonl, summary.json"


def _job_line(job: BatchJob) -> str:
    counts = "" if job.completed is None else f", {job.completed} done, {job.failed or 0} failed"
    batch = job.batch_id or "not started"
    return f"job {job.number}: {job.status or job.state}, {job.requests} requests{counts} ({batch})"


def _print_jobs(jobs: list[BatchJob]) -> None:
    from coach.batch.rows import JobList

    typer.echo(JobList(jobs=jobs).to_json())
