"""Grading through a provider's batch API: writing jobs and bringing them on their way.

Every step can be repeated: what was done is known from the journal and from the list of jobs, whatever was lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from coach.bank.questions import Question
from coach.batch.batch_job import BatchJob, JobState, ProviderBatch, SentRow
from coach.batch.batch_outcome import record_of
from coach.batch.batch_run import Ending
from coach.batch.cost_budget import CostBudget
from coach.batch.equal_answers import copy_of
from coach.batch.job_ports import FileLimits, Jobs, Pending, Provider, Writer
from coach.batch.options import Results, SameAnswersIndex
from coach.batch.row_keys import RowKey, RowKeys
from coach.batch.rows import AnswerRow, RowProblem
from coach.judge.judging import Judge
from coach.model.completion import CompletionRequest
from coach.submit.assess import AnswerAssessor

SHOWN_PROBLEMS = 20


@dataclass
class Written:
    """What became of the rows when jobs were written."""

    rows: int = 0
    reused: int = 0
    waiting: int = 0
    copied: int = 0
    settled: int = 0
    sent: int = 0
    identical: int = 0
    unreadable: int = 0
    #: Why rows were left for a later submit; None: all were looked at.
    stopped: Ending | None = None
    #: The first unreadable rows.
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True)
class SubmitLimits:
    """What a submit may send, and the calibration of its results: ``most`` is the most that a row can cost."""

    max_rows: int | None = None
    budget: CostBudget | None = None
    most: Callable[[AnswerRow, Question], float] | None = None
    calibration: str | None = None
    calibration_hash: str = ""


class JobWriting:
    """Puts the rows that need judging into request files."""

    def __init__(
        self,
        assessor: AnswerAssessor,
        judge: Judge,
        body_of: Callable[[CompletionRequest], dict[str, Any]],
        results: Results,
        same: SameAnswersIndex,
        limits: FileLimits,
        submit: SubmitLimits | None = None,
    ) -> None:
        self._assessor = assessor
        self._judge = judge
        self._body_of = body_of
        self._results = results
        self._same = same
        self._limits = limits
        self._submit = submit or SubmitLimits()
        self._keys = RowKeys(assessor.bank, judge, self._submit.calibration_hash)
        self._questions = {question.id: question for question in assessor.bank.questions}

    async def write(
        self,
        rows: Iterable[AnswerRow | RowProblem],
        jobs: Jobs,
        pending: Pending,
        on_row: Callable[[AnswerRow], None] = lambda row: None,
        on_problem: Callable[[RowProblem], None] = lambda problem: None,
    ) -> Written:
        """Write request files for all rows that are neither finished nor waiting; a job is kept once it is whole.

        Rows without an answer that can be judged are settled at once, identical answers are sent once.
        """
        written = Written()
        writer = None
        token = ""
        for row in rows:
            if isinstance(row, RowProblem):
                written.unreadable += 1
                if len(written.problems) < SHOWN_PROBLEMS:
                    written.problems.append(row)
                on_problem(row)
                continue
            on_row(row)
            keys = self._keys.of(self._questions[row.question_id], row.answer)
            written.rows += 1
            if self._is_settled(row, keys, pending, written) or await self._needs_no_model(row, keys, written):
                continue
            written.stopped = written.stopped or self._too_much(row, keys, written)
            if written.stopped:
                continue
            if writer is None:
                writer, token = jobs.writer(len(jobs.jobs) + 1), secrets.token_hex(8)
            self._send(row, keys, writer, token, pending, written)
            if writer.count >= self._limits.requests or writer.size >= self._limits.size:
                self._close(writer, token, jobs)
                writer = None
        if writer is not None:
            self._close(writer, token, jobs)
        return written

    def _too_much(self, row: AnswerRow, keys: RowKey, written: Written) -> Ending | None:
        """Reserve what a request costs; return why it may not be sent."""
        limits = self._submit
        if self._same.key_of(keys.same) is not None:
            return None
        if limits.max_rows is not None and written.sent >= limits.max_rows:
            return Ending.MAX_ROWS
        if limits.budget and limits.most:
            most = limits.most(row, self._questions[row.question_id])
            if not limits.budget.fits(most):
                return Ending.MAX_COST
            limits.budget.reserve(most)
        return None

    def _is_settled(self, row: AnswerRow, keys: RowKey, pending: Pending, written: Written) -> bool:
        if self._results.finished(row.row_id, keys.key):
            self._same.remember(keys.same, keys.key)
            written.reused += 1
        elif pending.waits(row.row_id, keys.key):
            written.waiting += 1
        elif copy := copy_of(row, keys, self._assessor, self._results, self._same):
            self._results.append(copy)
            written.copied += 1
        else:
            return False
        return True

    async def _needs_no_model(self, row: AnswerRow, keys: RowKey, written: Written) -> bool:
        question = self._questions[row.question_id]
        if not self._assessor.prepare(question, row.answer).unscored_reason:
            return False
        self._results.append(record_of(row, keys.key, await self._assessor.assess(question, row.answer), None))
        written.settled += 1
        return True

    def _send(
        self, row: AnswerRow, keys: RowKey, writer: Writer, token: str, pending: Pending, written: Written
    ) -> None:
        question = self._questions[row.question_id]
        answer = self._assessor.prepare(question, row.answer)
        first = self._same.key_of(keys.same) is None
        custom_id = f"{token}-{writer.count + 1}" if first else None
        sent = SentRow(custom_id=custom_id, key=keys.key, same=keys.same, **row.__dict__)
        body = None
        if first:
            request = self._judge.requests(self._assessor.task(question, answer))[0]
            body = self._body_of(request)
            self._same.remember(keys.same, keys.key)
        writer.add(sent, self._limits.url, body)
        pending.add(sent)
        written.sent += first
        written.identical += not first

    def _close(self, writer: Writer, token: str, jobs: Jobs) -> None:
        writer.close()
        if not writer.count:
            # Nothing but rows that wait for an earlier job: the next submit finds its results.
            return
        jobs.add(
            BatchJob(
                number=len(jobs.jobs) + 1,
                token=token,
                model=self._judge.model,
                endpoint=self._judge.endpoint,
                requests=writer.count,
                bytes=writer.size,
                calibration=self._submit.calibration,
            )
        )


async def bring_on_their_way(jobs: Jobs, provider: Provider) -> int:
    """Upload and start every job that is not yet; each id is kept before the next step. Return how many were started.

    A job whose start was not noted before a crash is found again by its token, so nothing is paid twice.
    Raises ModelError.
    """
    started = 0
    for job in jobs.jobs:
        if job.state is JobState.WRITTEN:
            job.input_file_id = await provider.upload(jobs.path(job.number, "requests"))
            job.state = JobState.UPLOADED
            jobs.save()
            batch = await provider.create(job)
        elif job.state is JobState.UPLOADED:
            batch = await provider.find(job.token) or await provider.create(job)
        else:
            continue
        _note(job, batch)
        job.state = JobState.CREATED
        jobs.save()
        started += 1
    return started


async def look_after(job: BatchJob, jobs: Jobs, provider: Provider) -> ProviderBatch | None:
    """Ask the provider about a started job, keep what it says and return it."""
    if job.state is not JobState.CREATED or job.batch_id is None:
        return None
    batch = await provider.retrieve(job.batch_id)
    _note(job, batch)
    jobs.save()
    return batch


def _note(job: BatchJob, batch: ProviderBatch) -> None:
    job.batch_id, job.status = batch.id, batch.status
    job.completed, job.failed = batch.completed, batch.failed
