"""Grading through a provider's batch API: writing jobs, bringing them on their way, and taking in their results.

Every step can be repeated: what was done is known from the store, whatever was lost. The files of a job (what is
sent, what came back) lie in ``jobs/`` in the output directory.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from coach.batch import provider
from coach.batch.costs import JOB_DISCOUNT, CostBudget
from coach.batch.grade import Calibrate, Ending, keep_assessment, take_over_equal
from coach.batch.provider import BatchApi, BatchJob, JobState, ProviderBatch, ResultLine
from coach.batch.rows import AnswerRow, RowKey, RowKeys
from coach.batch.store import Store
from coach.errors import ModelError, ModelReplyError, StorageError
from coach.files import make_private_directory, replacing
from coach.judge.judging import Judge
from coach.model.completion import Completion, CompletionRequest, Usage
from coach.submit.assess import AnswerAssessor, Price

_FOLDER = "jobs"


@dataclass
class Written:
    """What became of the rows when jobs were written; ``stopped`` says why some were left for a later time."""

    settled: int = 0
    sent: int = 0
    identical: int = 0
    reused: int = 0
    waiting: int = 0
    rows: int = 0
    unreadable: int = 0
    stopped: Ending | None = None


@dataclass
class Collected:
    """What came out of jobs; ``outdated`` rows are left alone, because their question, rubric or prompt changed."""

    judged: int = 0
    copied: int = 0
    failed: int = 0
    outdated: int = 0

    def __add__(self, other: Collected) -> Collected:
        """Add up two jobs."""
        return Collected(*(getattr(self, name) + getattr(other, name) for name in self.__annotations__))


def _job_file(directory: Path, number: int, kind: str) -> Path:
    """Return the file of a job: ``requests``, ``output`` or ``errors``."""
    return directory / _FOLDER / f"{number:04d}.{kind}.jsonl"


def at_half_price(price: Price) -> Price:
    """Return the prices of jobs."""

    def half(model: str, usage: Usage, endpoint: str) -> float | None:
        cost = price(model, usage, endpoint)
        return None if cost is None else cost * JOB_DISCOUNT

    return half


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
    counts = store.counts()
    written = Written(rows=counts.rows, reused=counts.finished, unreadable=counts.unreadable, waiting=store.waiting())
    written.settled, misfits = take_over_equal(store, assessor)
    questions = {question.id: question for question in assessor.bank.questions}
    with _JobWriter(store, assessor.judge, calibration) as writer:
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
                break
            if budget and not budget.reserve(budget.most(task)):
                written.stopped = Ending.MAX_COST
                break
            writer.add(key, body_of(assessor.judge.requests(task)[0]))
            written.sent += 1
    if not written.stopped:
        written.identical = store.waiting() - written.waiting - written.sent
    return written


class _JobWriter:
    """Writes request files, each as long as the provider takes it, and keeps the job of each."""

    def __init__(self, store: Store, judge: Judge, calibration: str | None) -> None:
        self._store = store
        self._judge = judge
        self._calibration = calibration
        self._open = ExitStack()
        self._sent: list[tuple[str, RowKey]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is None:
            self._finish()
        else:
            self._open.__exit__(kind, *error)

    def add(self, key: RowKey, body: dict[str, Any]) -> None:
        """Add a request."""
        if not self._sent:
            self._begin()
        custom_id = f"{self._token}-{len(self._sent) + 1}"
        line = {"custom_id": custom_id, "method": "POST", "url": provider.ENDPOINT, "body": body}
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        self._file.write(data)
        self._bytes += len(data)
        self._sent.append((custom_id, key))
        if len(self._sent) >= provider.MAX_REQUESTS or self._bytes >= provider.MAX_BYTES:
            self._finish()

    def _begin(self) -> None:
        self._number, self._token, self._bytes = len(self._store.jobs()) + 1, secrets.token_hex(8), 0
        path = _job_file(self._store.directory, self._number, "requests")
        try:
            make_private_directory(path.parent)
        except OSError as error:
            raise StorageError(
                f"{path.parent}: cannot be made ({error.strerror or error})", "Check the permissions."
            ) from error
        new = self._open.enter_context(replacing(path))
        self._file = self._open.enter_context(new.open("wb"))

    def _finish(self) -> None:
        if not self._sent:
            return
        self._open.close()
        job = BatchJob(
            number=self._number,
            token=self._token,
            model=self._judge.model,
            endpoint=self._judge.endpoint,
            requests=len(self._sent),
            bytes=self._bytes,
            calibration=self._calibration,
        )
        self._store.keep_job(job, self._sent)
        self._sent = []


async def bring_on_their_way(store: Store, api: BatchApi) -> int:
    """Upload and start every job that is not yet; each id is kept before the next step. Return how many were started.

    A job whose start was not noted before a crash is found again by its token, so nothing is paid twice. Jobs at
    another endpoint are left alone. Raises ModelError.
    """
    started = 0
    for job in store.jobs():
        if job.endpoint != api.endpoint or job.state not in (JobState.WRITTEN, JobState.UPLOADED):
            continue
        batch = None
        if job.state is JobState.WRITTEN:
            job.input_file_id = await api.upload(_job_file(store.directory, job.number, "requests"))
            job.state = JobState.UPLOADED
            store.keep_job(job)
        else:
            batch = await api.find(job.token)
        _note(job, batch or await api.create(job))
        job.state = JobState.CREATED
        store.keep_job(job)
        started += 1
    return started


async def look_after(job: BatchJob, store: Store, api: BatchApi) -> ProviderBatch | None:
    """Ask the provider about a started job, keep what it says and return it."""
    if job.state is not JobState.CREATED or job.batch_id is None:
        return None
    batch = await api.retrieve(job.batch_id)
    _note(job, batch)
    store.keep_job(job)
    return batch


class Collector:
    """Turns the results of ended jobs into results of the store; ``open_assessor`` gives who asks a model."""

    def __init__(
        self,
        store: Store,
        job: BatchJob,
        open_assessor: Callable[[KnownReply], AnswerAssessor],
        calibrate: Calibrate | None,
        calibration_hash: str,
    ) -> None:
        self._store = store
        self._job = job
        self._model = KnownReply(job.model, job.endpoint)
        self._assessor = open_assessor(self._model)
        self._calibrate = calibrate
        self._keys = RowKeys(self._assessor.bank, self._assessor.judge, calibration_hash)
        self._questions = {question.id: question for question in self._assessor.bank.questions}
        self.outcome = Collected()

    async def collect(self, batch: ProviderBatch, api: BatchApi) -> Collected:
        """Fetch the results and keep every row of the job: judged, or failed with its reason, so it is sent again."""
        seen: set[str] = set()
        for kind, file_id in (("output", batch.output_file_id), ("errors", batch.error_file_id)):
            if file_id is None:
                continue
            path = _job_file(self._store.directory, self._job.number, kind)
            await api.download(file_id, path)
            for line in provider.read_results(path):
                found = self._store.sent_as(self._job, line.custom_id)
                if found and line.custom_id not in seen:
                    seen.add(line.custom_id)
                    await self._settle(*found, line)
        why = f"the job ended ({batch.status}) before this row was answered"
        if batch.errors:
            why = f"{why}: {batch.errors[0]}"
        for custom_id, row, key in self._store.sent(self._job):
            if custom_id not in seen:
                await self._settle(row, key, ResultLine(custom_id=custom_id, body=None, problem=why))
        self._job.state = JobState.COLLECTED
        self._store.keep_job(self._job)
        self.outcome.copied += take_over_equal(self._store, self._assessor)[0]
        return self.outcome

    async def _settle(self, row: AnswerRow, key: RowKey, line: ResultLine) -> None:
        from coach.model.dialect import read_reply

        if self._store.has_result(key.key):
            return
        now = self._keys.of(row.question_id, row.answer)
        if now is None or now.key != key.key:
            self.outcome.outdated += 1
            return
        if line.body is None:
            self.outcome.failed += self._store.keep(row.row_id, key, None, line.problem)
            return
        try:
            self._model.give(read_reply(line.body, self._job.endpoint).completion)
        except ModelError as error:
            self._model.give(error)
        assessment = await self._assessor.assess(self._questions[row.question_id], row.answer)
        reason, ended = keep_assessment(self._store, row, key, assessment, self._calibrate)
        if reason is None:
            self.outcome.judged += 1
            self.outcome.copied += ended - 1
        else:
            self.outcome.failed += ended


class KnownReply:
    """Stands for the model when its reply is there already; a second question (a repair) cannot be asked."""

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint
        self._reply: Completion | ModelError | None = None

    def give(self, reply: Completion | ModelError) -> None:
        """Set the reply to the next request."""
        self._reply = reply

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the reply once; raise the error that was given instead of one."""
        reply = self._reply
        if isinstance(reply, Completion):
            self._reply = ModelReplyError("the reply was faulty, and a job cannot ask again", "Submit the row again.")
            return reply
        assert reply is not None
        raise reply


def _note(job: BatchJob, batch: ProviderBatch) -> None:
    job.batch_id, job.status = batch.id, batch.status
    job.completed, job.failed = batch.completed, batch.failed
