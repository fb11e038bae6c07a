"""Grading through OpenAI's Batch API: request files up, results down, at half the price and within a day.

Every step can be repeated: what was done is known from the store, whatever was lost. The files of a job (what is
sent, what came back) lie in ``jobs/`` in the output directory. Limits and states are those of the documentation of
``client.batches`` and ``client.files`` in the openai package.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coach.bank.questions import Bank
from coach.batch.costs import CostBudget, half_price
from coach.batch.grade import Calibrate, Ending, keep_assessment, take_over_equal
from coach.batch.rows import AnswerRow, BatchJob, JobState, RowKey, RowKeys
from coach.batch.store import Store, StoreCounts
from coach.errors import ModelError, ModelReplyError, StorageError
from coach.files import make_private_directory, replacing, write_whole
from coach.judge.judging import Judge
from coach.model.choose import parse_address
from coach.model.completion import Completion, CompletionRequest
from coach.model.dialect import read_reply
from coach.model.failures import redact, translate
from coach.model.openai_client import checked_key, open_client
from coach.submit.assess import AnswerAssessor
from coach.submit.open import make_assessor

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

MAX_REQUESTS = 50_000
#: A little less than the 200 MB that are documented.
_MAX_BYTES = 190_000_000
_TIMEOUT = 600.0
_TOKEN = "coach_job"
#: So many of the newest batches are looked through for one whose id was lost.
_LOOKED_THROUGH = 200
#: States of a batch at the provider that will not change any more.
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass
class Written:
    """What became of the rows when jobs were written; ``stopped`` says why some were left for a later time."""

    before: StoreCounts
    settled: int = 0
    sent: int = 0
    identical: int = 0
    stopped: Ending | None = None


@dataclass
class Collected:
    """What came out of jobs; ``outdated`` rows are left alone, because their question, rubric or prompt changed."""

    judged: int = 0
    copied: int = 0
    failed: int = 0
    outdated: int = 0


@asynccontextmanager
async def batch_api(base_url: str, api_key: str | None) -> AsyncIterator[AsyncOpenAI]:
    """Open the batch API at a base URL; what fails there in the block is a ModelError."""
    from openai import OpenAIError

    address, key = parse_address(base_url), checked_key(api_key)
    async with open_client(address, key, timeout=_TIMEOUT) as client:
        try:
            yield client
        except OpenAIError as error:
            raise translate(error, "the batch API", address.url, api_key=key) from None


async def write_jobs(
    store: Store,
    assessor: AnswerAssessor,
    body_of: Callable[[CompletionRequest], dict[str, Any]],
    *,
    max_rows: int | None = None,
    budget: CostBudget | None = None,
    calibration: str | None = None,
) -> Written:
    """Put the rows that have no result and wait for none into request files; a job is kept once its file is whole.

    Rows without an answer that can be judged are settled at once, equal answers are sent once. ``calibration`` names
    the calibration that the results will get.
    """
    written = Written(store.counts())
    written.settled, misfits = take_over_equal(store, assessor)
    questions = assessor.bank.by_id()

    async def requests() -> AsyncIterator[tuple[RowKey, dict[str, Any]]]:
        for row, key in chain(misfits, store.to_judge(skip_sent=True)):
            question = questions[row.question_id]
            answer = assessor.prepare(question, row.answer)
            if answer.unscored_reason:
                settled = await assessor.assess(question, answer)
                written.settled += keep_assessment(store, row, key, settled, None)[1]
                continue
            task = assessor.task(question, answer)
            if max_rows is not None and written.sent >= max_rows:
                written.stopped = Ending.MAX_ROWS
                return
            if budget and not budget.reserve(budget.most(task)):
                written.stopped = Ending.MAX_COST
                return
            written.sent += 1
            yield key, body_of(assessor.judge.requests(task)[0])

    waiting = requests()
    while await _write_job(store, waiting, assessor.judge, calibration):
        pass
    if not written.stopped:
        written.identical = store.counts().waiting - written.before.waiting - written.sent
    return written


async def _write_job(
    store: Store, requests: AsyncIterator[tuple[RowKey, dict[str, Any]]], judge: Judge, calibration: str | None
) -> bool:
    """Write as many requests as the provider takes at once, and keep their job; return whether there were any."""
    request = await anext(requests, None)
    if request is None:
        return False
    number, token = len(store.jobs()) + 1, secrets.token_hex(8)
    path = _job_file(store, number, "requests")
    with _errors(path.parent):
        make_private_directory(path.parent)
    sent: list[tuple[str, RowKey]] = []
    with replacing(path) as new, new.open("wb") as file:
        while request is not None:
            key, body = request
            sent.append((f"{token}-{len(sent) + 1}", key))
            line = {"custom_id": sent[-1][0], "method": "POST", "url": "/v1/chat/completions", "body": body}
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            full = len(sent) >= MAX_REQUESTS or file.tell() >= _MAX_BYTES
            request = None if full else await anext(requests, None)
        size = file.tell()
    job = BatchJob(
        number=number,
        token=token,
        model=judge.model,
        endpoint=judge.endpoint,
        requests=len(sent),
        bytes=size,
        calibration=calibration,
    )
    store.keep_job(job, sent)
    return True


async def start_jobs(store: Store, client: AsyncOpenAI, endpoint: str) -> int:
    """Upload and start every job for this endpoint that is not yet, and return how many were started.

    Each id is kept before the next step: a job whose start was not noted before a crash is found again by its token,
    so nothing is paid twice. Raises ModelError in the block of `batch_api`.
    """
    started = 0
    for job in store.jobs():
        if job.endpoint != endpoint or job.state not in (JobState.WRITTEN, JobState.UPLOADED):
            continue
        batch = None
        if job.state is JobState.UPLOADED:
            batch = await _find(client, job.token)
        else:
            path = _job_file(store, job.number, "requests")
            with _errors(path), path.open("rb") as file:
                job.input_file_id = (await client.files.create(file=(path.name, file), purpose="batch")).id
            job.state = JobState.UPLOADED
            store.keep_job(job)
        assert job.input_file_id is not None
        batch = batch or await client.batches.create(
            input_file_id=job.input_file_id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={_TOKEN: job.token},
        )
        job.state = JobState.CREATED
        _keep_told(store, job, batch)
        started += 1
    return started


async def _find(client: AsyncOpenAI, token: str) -> Batch | None:
    """Return the batch that was started with this token, if it is among the newest."""
    seen = 0
    async for batch in client.batches.list(limit=100):
        if (batch.metadata or {}).get(_TOKEN) == token:
            return batch
        seen += 1
        if seen == _LOOKED_THROUGH:
            break
    return None


async def look_after(job: BatchJob, store: Store, client: AsyncOpenAI) -> Batch | None:
    """Ask the provider about a started job, keep what it says and return it."""
    if job.state is not JobState.CREATED or job.batch_id is None:
        return None
    batch = await client.batches.retrieve(job.batch_id)
    _keep_told(store, job, batch)
    return batch


def _keep_told(store: Store, job: BatchJob, batch: Batch) -> None:
    counts = batch.request_counts
    job.batch_id, job.status = batch.id, batch.status
    job.completed, job.failed = (counts.completed, counts.failed) if counts else (None, None)
    store.keep_job(job)


async def collect_job(
    store: Store,
    bank: Bank,
    job: BatchJob,
    batch: Batch,
    client: AsyncOpenAI,
    calibration: tuple[str, Calibrate | None],
    done: Collected,
) -> None:
    """Fetch the results of an ended job, keep every row as judged or failed (to be sent again), and add to ``done``.

    ``calibration`` is the hash of the job's calibration and what applies it.
    """
    model = _KnownReply(job.model, job.endpoint)
    assessor = half_price(make_assessor(bank, model, "structured"))
    keys = RowKeys(bank, assessor.judge, calibration[0])
    questions = bank.by_id()

    async for row, key, line in _results(store, job, batch, client):
        if store.has_result(key.key):
            continue
        now = keys.of(row.question_id, row.answer)
        if now is None or now.key != key.key:
            done.outdated += 1
            continue
        if line.body is None:
            done.failed += store.keep(row.row_id, key, None, line.problem)
            continue
        try:
            model.reply = read_reply(line.body, job.endpoint)
        except ModelError as error:
            model.reply = error
        assessment = await assessor.assess(questions[row.question_id], row.answer)
        reason, ended = keep_assessment(store, row, key, assessment, calibration[1])
        if reason is None:
            done.judged += 1
            done.copied += ended - 1
        else:
            done.failed += ended
    job.state = JobState.COLLECTED
    store.keep_job(job)
    done.copied += take_over_equal(store, assessor)[0]


async def _results(
    store: Store, job: BatchJob, batch: Batch, client: AsyncOpenAI
) -> AsyncIterator[tuple[AnswerRow, RowKey, _ResultLine]]:
    """Fetch the files of an ended job, and yield every row of it once, also those that no file knows."""
    seen: set[str] = set()
    for kind, file_id in (("output", batch.output_file_id), ("errors", batch.error_file_id)):
        if file_id is None:
            continue
        path = _job_file(store, job.number, kind)
        write_whole(path, (await client.files.content(file_id)).content)
        for line in _read_results(path):
            found = store.sent_as(job, line.custom_id)
            if found and line.custom_id not in seen:
                seen.add(line.custom_id)
                yield *found, line
    why = f"the job ended ({batch.status}) before this row was answered"
    if batch.errors and batch.errors.data:
        why = f"{why}: {redact(str(batch.errors.data[0].message or batch.errors.data[0].code))}"
    for custom_id, row, key in store.sent(job):
        if custom_id not in seen:
            yield row, key, _ResultLine(custom_id, None, why)


class _KnownReply:
    """Stands for the model when its reply is there already; a second question (a repair) cannot be asked."""

    reply: Completion | ModelError

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the reply once; raise the error that stands for it."""
        if isinstance(self.reply, ModelError):
            raise self.reply
        reply = self.reply
        self.reply = ModelReplyError("the reply was faulty, and a job cannot ask again", "Submit the row again.")
        return reply


class _ResultLine(NamedTuple):
    """One line of a job's output: the body of the response, or the problem why there is none."""

    custom_id: str
    body: bytes | None
    problem: str = ""


def _read_results(path: Path) -> Iterator[_ResultLine]:
    """Yield the lines of an output or error file; one that cannot be read is left out (its row counts as missing)."""
    with _errors(path), path.open("rb") as file:
        for line in file:
            try:
                parsed = json.loads(line)
            except ValueError:
                continue
            if not isinstance(parsed, dict) or not isinstance(parsed.get("custom_id"), str):
                continue
            response, failure = parsed.get("response"), parsed.get("error")
            if isinstance(response, dict):
                failure = response.get("body")
                if response.get("status_code") == 200:
                    yield _ResultLine(parsed["custom_id"], json.dumps(failure).encode())
                    continue
            if isinstance(failure, dict):
                failure = failure.get("error", failure)
            words = failure.get("message") if isinstance(failure, dict) else failure
            yield _ResultLine(parsed["custom_id"], None, redact(str(words or "the request failed")))


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be used ({error.strerror or error})", "Check its permissions.") from error


def _job_file(store: Store, number: int, kind: str) -> Path:
    """Return the file of a job: ``requests``, ``output`` or ``errors``."""
    return store.directory / "jobs" / f"{number:04d}.{kind}.jsonl"
