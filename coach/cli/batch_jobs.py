"""``coach batch`` with ``--jobs``, ``status`` and ``collect``: grading by jobs at the provider's Batch API."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import say
from coach.cli.options import BankOption, JsonOption, QuietOption
from coach.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

    from coach.batch.jobs import Collected, Written
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
    if written.before.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def status_command(directory: _DirectoryArgument, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Ask the provider how far the jobs are."""
    import asyncio

    from coach.batch.store import Store

    with Store.open(directory, existing=True) as store:
        ended = asyncio.run(_ask_about_jobs(store))
        jobs = store.jobs()
    if as_json:
        _print_jobs(jobs)
        return
    for job in jobs:
        counts = "" if job.completed is None else f", {job.completed} done, {job.failed or 0} failed"
        started = job.batch_id or "not started"
        typer.echo(f"job {job.number}: {job.status or job.state}, {job.requests} requests{counts} ({started})")
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
    from coach.batch.jobs import Collected, collect_job
    from coach.batch.outputs import write_outputs
    from coach.batch.store import Store
    from coach.cli.batch_run import calibration_of

    loaded, done = load_bank(bank), Collected()

    async def collect(job: BatchJob, batch: Batch, client: AsyncOpenAI) -> None:
        await collect_job(store, loaded, job, batch, client, calibration_of(job.calibration), done)

    with Store.open(directory, existing=True) as store:
        asyncio.run(_ask_about_jobs(store, collect))
        summary = write_outputs(store, loaded)
        waiting = sum(job.open for job in store.jobs())
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        for line in _collected_lines(done, waiting, directory):
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
    from coach.batch.jobs import batch_api, half_price, start_jobs, write_jobs
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
    async with batch_api(choice.base_url, choice.api_key) as client:
        return written, await start_jobs(store, client, model.endpoint)


async def _ask_about_jobs(
    store: Store, on_ended: Callable[[BatchJob, Batch, AsyncOpenAI], Awaitable[None]] | None = None
) -> int:
    """Ask about each started job at its own endpoint, and return how many have ended.

    Today's key is sent nowhere but to today's address: jobs elsewhere are left, with a warning, or when there are no
    others with a ConfigurationError.
    """
    from coach.batch.jobs import ENDED, batch_api, look_after
    from coach.model.choose import parse_address

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


def _written_lines(written: Written, started: int) -> Iterable[str]:
    before = written.before
    yield (
        f"{before.rows} rows: {written.sent} sent, {written.identical} identical, {before.finished} finished before, "
        f"{before.waiting} waiting in earlier jobs, {written.settled} settled without a request"
    )
    if before.unreadable:
        yield f"warning: {before.unreadable} rows cannot be read (see unreadable.jsonl)"
    yield f"{started} job{'' if started == 1 else 's'} started."


def _collected_lines(done: Collected, waiting: int, directory: Path) -> Iterable[str]:
    yield f"{done.judged} judged, {done.copied} identical, {done.failed} failed"
    if done.outdated:
        yield f"{done.outdated} left out: their question, rubric or prompt has changed; submit sends them again."
    if waiting:
        yield f"{waiting} jobs are not ready: collect again later."
    if done.failed:
        yield "Submit the same inputs again to send the failed rows once more."
    yield f"Reports: {directory}/report.html, results.xlsx, results.csv, results.jsonl, summary.json"


def _print_jobs(jobs: list[BatchJob]) -> None:
    from coach.batch.rows import JobList

    typer.echo(JobList(jobs=jobs).to_json())
