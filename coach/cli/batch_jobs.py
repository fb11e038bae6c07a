"""``coach batch submit``, ``status`` and ``collect``: grading by jobs at the provider's Batch API."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import say
from coach.cli.options import BankOption, CalibrationOption, JsonOption, MethodOption, ModelOption, QuietOption
from coach.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from coach.bank.questions import Bank
    from coach.batch.batch_job import BatchJob, ProviderBatch
    from coach.batch.collect import Collected
    from coach.batch.inputs.inputs import BatchInput
    from coach.batch.job_files import JobFolder, PendingRows
    from coach.batch.job_submission import SubmitLimits, Written
    from coach.batch.journal import Journal
    from coach.batch.same_answers import SameAnswers
    from coach.model.choose import ModelChoice

OPENAI_BATCH = "openai-batch"
EXIT_SOME_FAILED = 3
#: Jobs cost half of the list price.
DISCOUNT = 0.5

DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The directory given as --out.")]


def submit_command(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="As for grading.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where jobs, results and reports go.")],
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, metavar="USD", help="Send no more than this can cost.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option("--max-rows", min=1, help="Send at most so many rows now.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Start over; the old journal is kept aside.")] = False,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Send what is not graded yet as jobs to the provider's Batch API. Again: goes on where it stopped."""
    import asyncio

    from coach.bank.load import load_bank
    from coach.batch.batch_run import Ending
    from coach.batch.inputs.inputs import open_inputs
    from coach.batch.job_files import JobFolder
    from coach.batch.job_submission import SubmitLimits
    from coach.batch.journal import Journal
    from coach.cli.batch_run import calibration_of

    job_method(method)
    loaded = load_bank(bank)
    choice = _endpoint(model)
    opened = open_inputs(inputs, loaded)
    limits = SubmitLimits(max_rows, None, None, calibration, calibration_of(calibration)[0])
    if restart and any(job.open for job in JobFolder(out).jobs):
        raise InputError(f"{out}: jobs are waiting there", f"First fetch their results: coach batch collect {out}")
    with Journal.open(out, restart=restart) as journal:
        folder = JobFolder(out)
        written, started = asyncio.run(_submit(opened, out, loaded, choice, journal, folder, limits, max_cost))
    if as_json:
        _print_jobs(folder.jobs)
    elif not quiet:
        for line in _written_lines(written, started):
            say(line)
        if written.stopped is Ending.MAX_ROWS:
            say("Stopped after --max-rows. Run the same command again to send more.")
        elif written.stopped is Ending.MAX_COST:
            say("Stopped before --max-cost would be exceeded.")
        say(f"Later: coach batch status {out}, and coach batch collect {out}")
    if written.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def status_command(directory: DirectoryArgument, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Ask the provider how far the jobs are."""
    import asyncio

    from coach.batch.job_files import JobFolder
    from coach.batch.journal_lock import JournalLock

    _check_batch(directory)
    lock = JournalLock(directory)
    try:
        folder = JobFolder(directory)
        found = asyncio.run(_look_after(folder))
    finally:
        lock.release()
    if as_json:
        _print_jobs(folder.jobs)
        return
    for job in folder.jobs:
        typer.echo(_job_line(job))
    if not quiet and any(batch.ended for _, batch in found):
        say(f"Ready: coach batch collect {directory}")


def collect_command(
    directory: DirectoryArgument,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fetch the results of jobs and write the reports.

    What failed or expired is sent again by `submit`.
    """
    import asyncio

    from coach.bank.load import load_bank
    from coach.batch.batch_rows import ROWS_NAME
    from coach.batch.job_files import JobFolder
    from coach.batch.journal import Journal
    from coach.cli.batch_outputs import write_outputs

    loaded = load_bank(bank)
    _check_batch(directory)
    with Journal.open(directory) as journal:
        folder = JobFolder(directory)
        done = asyncio.run(_collect(loaded, journal, folder))
        complete = (directory / ROWS_NAME).is_file() and not any(job.open for job in folder.jobs)
        summary = write_outputs(directory, journal, loaded, complete=complete)
    if as_json:
        typer.echo(summary.to_json())
    elif not quiet:
        for line in _collected_lines(done, folder.jobs, directory):
            say(line)
    if summary.failed or summary.unreadable:
        raise typer.Exit(EXIT_SOME_FAILED)


def job_method(method: str | None) -> str:
    """Return the method of jobs; raises ConfigurationError when another one is asked for."""
    if method not in (None, "structured"):
        raise ConfigurationError(f"jobs cannot use the method {method!r}", "Leave --method out, or leave --jobs out.")
    return "structured"


def _check_batch(directory: Path) -> None:
    from coach.batch.journal import JOURNAL_NAME

    if not (directory / JOURNAL_NAME).is_file():
        raise InputError(f"{directory}: there is no batch", "Name the directory given as --out.")


def _own_endpoint(job: BatchJob) -> ModelChoice:
    """Return the endpoint of a job with today's key; raises ConfigurationError when they do not belong together."""
    from coach.model.choose import parse_address

    choice = _endpoint(job.model)
    here = parse_address(choice.base_url).url
    if here != job.endpoint:
        raise ConfigurationError(
            f"job {job.number} is at {job.endpoint}, but the key and address set now are those of {here}",
            "Set OPENAI_BASE_URL and OPENAI_API_KEY to those that the job was sent with.",
        )
    return choice


def _endpoint(model: str | None) -> ModelChoice:
    from coach.model.choose import choose_model

    choice = choose_model(model, os.environ)
    if choice.embedded:
        raise ConfigurationError("the embedded model has no batch API", "Leave --jobs out, or name another --model.")
    return choice


async def _submit(
    opened: BatchInput,
    out: Path,
    bank: Bank,
    choice: ModelChoice,
    journal: Journal,
    folder: JobFolder,
    limits: SubmitLimits,
    max_cost: float | None,
) -> tuple[Written, int]:
    from dataclasses import replace

    from coach.batch.batch_rows import RowsWriter
    from coach.batch.cost_budget import CostBudget
    from coach.batch.job_ports import FileLimits
    from coach.batch.job_submission import JobWriting, bring_on_their_way
    from coach.batch.provider import ENDPOINT, MAX_BYTES, MAX_REQUESTS, BatchApi
    from coach.batch.row_grouping import grouped
    from coach.batch.unreadable_rows import UnreadableRows
    from coach.cli.batch_budget import most_of_rows
    from coach.model.openai_client import OpenAIChatModel, detect_capabilities
    from coach.submit.open import make_assessor

    with ExitStack() as stack:
        pending, same = _waiting(folder, stack)
        rows, unreadable = RowsWriter(out), UnreadableRows(out)
        stack.callback(rows.close)
        stack.callback(unreadable.close)
        async with OpenAIChatModel(choice.model, choice.base_url, choice.api_key) as model:
            # Two tiny requests find out which parameters the model takes: in a job each refusal would cost a row.
            await detect_capabilities(model)
            assessor = make_assessor(bank, model, "structured")
            judge = assessor.judge
            if max_cost is not None:
                limits = replace(limits, budget=CostBudget(max_cost / DISCOUNT), most=most_of_rows(assessor, judge))
            files = FileLimits(MAX_REQUESTS, MAX_BYTES, ENDPOINT)
            writing = JobWriting(assessor, judge, model.body, journal, same, files, limits)
            found = grouped(opened.rows())
            written = await writing.write(found, folder, pending, lambda row: rows.add(row.row_id), unreadable.add)
        rows.keep()
        async with BatchApi(choice.base_url, choice.api_key) as api:
            return written, await bring_on_their_way(folder, api)


def _waiting(folder: JobFolder, stack: ExitStack) -> tuple[PendingRows, SameAnswers]:
    from coach.batch.job_files import PendingRows
    from coach.batch.same_answers import SameAnswers

    pending, same = stack.enter_context(PendingRows()), SameAnswers()
    stack.callback(same.close)
    for job in folder.jobs:
        if job.open:
            for sent in folder.rows(job):
                pending.add(sent)
                same.remember(sent.same, sent.key)
    return pending, same


async def _look_after(folder: JobFolder) -> list[tuple[BatchJob, ProviderBatch]]:
    from coach.batch.job_submission import look_after
    from coach.batch.provider import BatchApi

    found = []
    elsewhere: ConfigurationError | None = None
    for job in folder.jobs:
        if not job.open:
            continue
        try:
            choice = _own_endpoint(job)
        except ConfigurationError as error:
            elsewhere = error
            continue
        async with BatchApi(choice.base_url, choice.api_key) as api:
            batch = await look_after(job, folder, api)
            found += [(job, batch)] if batch else []
    if elsewhere and not found:
        raise elsewhere
    if elsewhere:
        say(f"warning: {elsewhere.message}. {elsewhere.hint}")
    return found


async def _collect(bank: Bank, journal: Journal, folder: JobFolder) -> Collected:
    from coach.batch.batch_job import JobState
    from coach.batch.collect import Collected
    from coach.batch.provider import BatchApi

    total = Collected()
    for job, batch in await _look_after(folder):
        if not batch.ended:
            continue
        choice = _own_endpoint(job)
        async with BatchApi(choice.base_url, choice.api_key) as api:
            files = []
            for kind, file_id in (("output", batch.output_file_id), ("errors", batch.error_file_id)):
                if file_id is not None:
                    files.append(folder.path(job.number, kind))
                    await api.download(file_id, files[-1])
        total = total + await _collect_job(bank, journal, folder, job, batch, files)
        journal.sync()
        job.state = JobState.COLLECTED
        folder.save()
    return total


async def _collect_job(
    bank: Bank, journal: Journal, folder: JobFolder, job: BatchJob, batch: ProviderBatch, files: list[Path]
) -> Collected:
    from dataclasses import replace

    from coach.batch.collect import JobCollecting, KnownReply
    from coach.batch.job_files import PendingRows
    from coach.batch.provider import read_results
    from coach.batch.same_answers import SameAnswers
    from coach.cli.batch_run import calibration_of
    from coach.model.completion import Usage
    from coach.model.cost import cost_usd
    from coach.model.dialect import read_reply
    from coach.submit.open import make_assessor

    def half(model: str, usage: Usage, endpoint: str) -> float | None:
        cost = cost_usd(model, usage, endpoint)
        return None if cost is None else cost * DISCOUNT

    calibration_hash, calibrate = calibration_of(job.calibration)
    known = KnownReply(job.model, job.endpoint)
    assessor = make_assessor(bank, known, "structured")
    with ExitStack() as stack:
        pending, same = stack.enter_context(PendingRows()), SameAnswers()
        stack.callback(same.close)
        collecting = JobCollecting(
            replace(assessor, price=half),
            known,
            lambda body: read_reply(body, job.endpoint).completion,
            journal,
            same,
            calibrate,
            calibration_hash,
        )
        why = f"the job ended ({batch.status}) before this row was answered"
        if batch.errors:
            why = f"{why}: {batch.errors[0]}"
        lines = (line for path in files for line in read_results(path))
        return await collecting.collect(lambda: folder.rows(job), lines, pending, why)


def _written_lines(written: Written, started: int) -> Iterable[str]:
    yield (
        f"{written.rows} rows: {written.sent} sent, {written.identical} identical, {written.reused} finished before, "
        f"{written.waiting} waiting in earlier jobs, {written.copied + written.settled} settled without a request"
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
    from coach.batch.batch_job import JobList

    typer.echo(JobList(jobs=jobs).model_dump_json(by_alias=True, indent=2))
