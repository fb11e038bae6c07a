"""Judging marked answers: in the order of the questions, several at a time, going on where a run stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from coach.calibrate.gold import GoldTask, JudgedAnswer
from coach.calibrate.result import JudgeSummary
from coach.calibrate.score_log import ScoreRecord
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError, ModelRequestError
from coach.judge.judging import Judge
from coach.submit.assess import AnswerAssessor
from coach.submit.key import result_key

#: Called with (judged so far, all); kept scores count as judged from the start.
OnProgress = Callable[[int, int], None]

#: So many answers in a row on which a reachable model fails are no longer the answers' fault.
MAX_FAILURES_IN_A_ROW = 5
#: Failures that may lie in one answer (blocked, too long, a reply that cannot be read).
_OF_ONE_ANSWER = (ModelContentFilterError, ModelRequestError, ModelReplyError)


class Scores(Protocol):
    """Where scores are kept between runs."""

    def get(self, key: str, repeat: int) -> ScoreRecord | None:
        """Return the kept score of one judging, or None."""
        ...

    def add(self, record: ScoreRecord) -> None:
        """Keep a score."""
        ...


@dataclass(frozen=True)
class _Job:
    """One judging of one answer; ``key`` is the result key."""

    task: GoldTask
    key: str
    repeat: int


@dataclass(frozen=True)
class _Failure:
    """Why a judging gave no score; ``by_model`` when the model failed."""

    reason: str
    by_model: bool


async def judge_gold(
    tasks: Sequence[GoldTask],
    assessor: AnswerAssessor,
    scores: Scores,
    *,
    repeats: int = 1,
    concurrency: int = 1,
    on_progress: OnProgress | None = None,
) -> list[JudgedAnswer]:
    """Judge every answer ``repeats`` times and return what came out, in the order of the tasks.

    Answers to one question are judged one after the other, so that a server can reuse what it knows of the prompt.
    Scores are kept in ``scores`` as soon as they are there and taken from it where the result key is the same;
    a repetition is never taken from another one. Equal answers to a question are judged once per repetition.
    A question is looked up in its task's own bank. An answer that cannot be judged has a reason and is tried again
    by the next run. Raises ModelError when the model cannot be used at all, or fails on several answers in a row.
    """
    run = _Run(assessor, scores, on_progress)
    keyed = [(task, result_key(task.bank, task.question, assessor.judge, task.row.answer)) for task in tasks]
    await run.judge(_jobs(keyed, repeats), concurrency)
    paid: set[str] = set()
    judged = []
    for task, key in keyed:
        outcome = _outcome(task, key, repeats, run)
        # Equal answers were judged once, so they cost once.
        judged.append(replace(outcome, cost_usd=None) if key in paid else outcome)
        paid.add(key)
    return judged


def _jobs(keyed: Sequence[tuple[GoldTask, str]], repeats: int) -> list[_Job]:
    """Return every judging once: by repetition first, so that nothing is repeated while a server remembers it."""
    order: dict[str, int] = {}
    for task, _ in keyed:
        order.setdefault(task.question.id, len(order))
    by_question = sorted(keyed, key=lambda pair: order[pair[0].question.id])
    unique = {key: task for task, key in by_question}
    return [_Job(task, key, repeat) for repeat in range(repeats) for key, task in unique.items()]


class _Run:
    """The state of one run: what is known, and how many judgings are done."""

    def __init__(self, assessor: AnswerAssessor, scores: Scores, on_progress: OnProgress | None) -> None:
        self._assessor = assessor
        self._scores = scores
        self._on_progress = on_progress
        self._failures_in_a_row = 0
        self._done = self._total = 0
        self.failures: dict[tuple[str, int], _Failure] = {}

    def record(self, key: str, repeat: int) -> ScoreRecord | None:
        """Return the score of one judging, kept or new."""
        return self._scores.get(key, repeat)

    async def judge(self, jobs: Sequence[_Job], concurrency: int) -> None:
        """Do the jobs whose score is not known yet."""
        missing = [job for job in jobs if self.record(job.key, job.repeat) is None]
        self._total, self._done = len(jobs), len(jobs) - len(missing)
        self._tell()
        waiting = iter(missing)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, min(concurrency, len(missing)))):
                    group.create_task(self._work(waiting))
        except BaseExceptionGroup as group_error:
            # The others were cancelled because of the first one.
            raise _first(group_error) from None

    async def _work(self, waiting: Iterator[_Job]) -> None:
        for job in waiting:
            failure = await self._do(job)
            if failure:
                self.failures[job.key, job.repeat] = failure
            self._done += 1
            self._tell()

    async def _do(self, job: _Job) -> _Failure | None:
        assessor = self._assessor
        if job.task.bank is not assessor.bank:
            assessor = replace(assessor, bank=job.task.bank)
        try:
            assessment = await assessor.assess(job.task.question, job.task.row.answer)
        except ModelError as error:
            if not (error.retryable or isinstance(error, _OF_ONE_ANSWER)):
                raise
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                raise
            return _Failure(error.message, by_model=True)
        if assessment.score is None:
            return _Failure(assessment.unscored_reason or "The answer was not scored.", by_model=False)
        self._failures_in_a_row = 0
        receipt = assessment.receipt
        self._scores.add(
            ScoreRecord(
                key=job.key,
                repeat=job.repeat,
                score=assessment.score,
                seconds=receipt.seconds,
                cost_usd=receipt.cost_usd,
            )
        )
        return None

    def _tell(self) -> None:
        if self._on_progress:
            self._on_progress(self._done, self._total)


def _outcome(task: GoldTask, key: str, repeats: int, run: _Run) -> JudgedAnswer:
    records = [record for repeat in range(repeats) if (record := run.record(key, repeat))]
    failure = _failure_of(key, repeats, run.failures)
    costs = [record.cost_usd for record in records if record.cost_usd is not None]
    return JudgedAnswer(
        task=task,
        scores=tuple(record.score for record in records),
        reason=None if records or failure is None else failure.reason,
        failed=not records and failure is not None and failure.by_model,
        seconds=sum(record.seconds for record in records) / len(records) if records else 0.0,
        cost_usd=sum(costs) if costs else None,
    )


def _failure_of(key: str, repeats: int, failures: Mapping[tuple[str, int], _Failure]) -> _Failure | None:
    return next((failures[key, repeat] for repeat in range(repeats) if (key, repeat) in failures), None)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def judge_summary(judge: Judge) -> JudgeSummary:
    """Return what identifies a judge."""
    return JudgeSummary(
        judge=judge.name,
        model=judge.model,
        endpoint=judge.endpoint,
        prompt_version=judge.prompt_version,
        settings=dict(judge.settings),
    )
